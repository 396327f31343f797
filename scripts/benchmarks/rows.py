"""The works of bench write: what is done, timed and checked. The same programs do them on every file system."""

import os
import random
import shutil
import time

import targets
import tools


class Row:
    """Amounts are by target: slow peers get fewer of the same, and rates are compared."""

    unit = "1/s"
    reference = "raw"
    # Files of which a few fill the disk: removed after each run.
    large = False

    def __init__(self, key, title, amounts, limit):
        self.key, self.title, self.amounts, self.limit = key, title, amounts, limit

    def prepare(self, target, amount):
        """Before the target is mounted."""

    def settle_in(self, target, directory, amount):
        """Behind the mount, before the clock."""

    def do(self, target, directory, amount):
        """Seconds."""
        raise NotImplementedError

    def check(self, directory, amount):
        """Raises Failed where what is below directory is not what do() wrote."""
        raise NotImplementedError

    def memory(self, amount):
        """Bytes that the work takes in page cache and store, or more."""
        return 512 << 20

    def check_mounted(self, directory, amount):
        """What can be checked through the mount alone."""

    def rate(self, amount, seconds):
        return amount / seconds

    def work(self, *words):
        return float(targets.run([tools.TOOLS / "work", *words], self.limit))

    def timed(self, command, **options):
        began = time.monotonic()
        targets.run(command, self.limit, **options)
        return time.monotonic() - began


class Sequential(Row):
    """Amounts in MiB, blocks of 1 MiB."""

    unit = "MiB/s"
    large = True

    def __init__(self, key, title, amounts, limit, sync, reference="raw"):
        super().__init__(key, title, amounts, limit)
        self.sync, self.reference = ["fsync"] if sync else [], reference

    def memory(self, amount):
        return 3 * amount << 20

    def do(self, target, directory, amount):
        if isinstance(target, targets.RawUpload):
            return target.upload(directory / "large", amount << 20)
        return self.work("sequential", directory / "large", amount << 20, 1 << 20, *self.sync)

    def check(self, directory, amount):
        self.work("check", directory / "large", amount << 20)


class Dd(Sequential):
    """dd with blocks of 4 KiB, from a file that is in the page cache."""

    def __init__(self, key, title, amounts, limit, sources):
        super().__init__(key, title, amounts, limit, True)
        self.sources = sources

    def prepare(self, target, amount):
        source = self.sources / f"{amount}-mib"
        if not source.exists():
            self.work("sequential", source, amount << 20, 1 << 20)

    def do(self, target, directory, amount):
        return self.timed(["dd", f"if={self.sources}/{amount}-mib", f"of={directory}/large", "bs=4k", "conv=fsync", "status=none"])


class SmallFiles(Row):
    def __init__(self, key, title, amounts, limit, threads, sync):
        super().__init__(key, title, amounts, limit)
        self.threads, self.sync = threads, ["fsync"] if sync else []

    def do(self, target, directory, amount):
        return self.work("files", directory, amount, 4096, self.threads, *self.sync)

    def check(self, directory, amount):
        self.work("check-files", directory, amount, 4096)


class Append(Row):
    def do(self, target, directory, amount):
        return self.work("append", directory / "log", amount, 4096)

    def check(self, directory, amount):
        self.work("check", directory / "log", 4096 * amount)


def make_tree(directory, files):
    """Files of 1 to 16 KiB, 50 to a directory; the same in every run."""
    chance = random.Random(files)
    for number in range(files):
        path = directory / f"part-{number // 50:03d}" / f"source-{number:05d}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(chance.randbytes(chance.randrange(1 << 10, 16 << 10)))


class Tree(Row):
    """Works that make a copy of a tree."""

    def __init__(self, key, title, amounts, limit, sources):
        super().__init__(key, title, amounts, limit)
        self.sources = sources

    def tree(self, amount):
        tree = self.sources / f"tree-{amount}"
        if not tree.exists():
            make_tree(tree, amount)
        return tree

    def check(self, directory, amount):
        targets.run(["diff", "-rq", "-x", ".git", self.tree(amount), directory / "copy"], self.limit)


class Untar(Tree):
    def archive(self, amount):
        return self.sources / f"tree-{amount}.tar"

    def prepare(self, target, amount):
        if not self.archive(amount).exists():
            targets.run(["tar", "-C", self.tree(amount), "-cf", self.archive(amount), "."], 120)

    def settle_in(self, target, directory, amount):
        targets.run(["mkdir", directory / "copy"], self.limit)

    def do(self, target, directory, amount):
        return self.timed(["tar", "-C", directory / "copy", "-xf", self.archive(amount)])


class Clone(Tree):
    ENVIRONMENT = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_AUTHOR_NAME": "bench", "GIT_AUTHOR_EMAIL": "bench@localhost",
                   "GIT_COMMITTER_NAME": "bench", "GIT_COMMITTER_EMAIL": "bench@localhost"}

    def git(self, *words, **options):
        return targets.run(["git", *words], self.limit, env={**os.environ, **self.ENVIRONMENT}, **options)

    def repository(self, amount):
        return self.sources / f"repository-{amount}"

    def prepare(self, target, amount):
        repository = self.repository(amount)
        if not repository.exists():
            shutil.copytree(self.tree(amount), repository)
            for words in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-q", "-m", "all"], ["gc", "-q"]):
                self.git(*words, cwd=repository)

    def do(self, target, directory, amount):
        return self.timed(["git", "clone", "-q", "--no-hardlinks", self.repository(amount), directory / "copy"],
                          env={**os.environ, **self.ENVIRONMENT})

    def check_mounted(self, directory, amount):
        self.git("-C", directory / "copy", "fsck", "--full", "--strict")


class Rename(Row):
    """A directory that was in the bucket before, listed once; milliseconds until rename returns."""

    unit = "ms"

    def prepare(self, target, amount):
        if isinstance(target, targets.Raw):
            return
        tree = target.seed(f"tree-{target.number + 1}")
        tree.mkdir(parents=True)
        self.work("files", tree, amount, 4096, 1)

    def root(self, target, directory):
        return directory if isinstance(target, targets.Raw) else target.path

    def settle_in(self, target, directory, amount):
        tree = self.root(target, directory) / f"tree-{target.number}"
        if isinstance(target, targets.Raw):
            tree.mkdir()
            self.work("files", tree, amount, 4096, 1)
        listed = targets.run(["ls", "-l", tree], self.limit).count("\n") - 1
        if listed != amount:
            raise targets.Failed(f"{tree} lists {listed} of {amount} files")

    def do(self, target, directory, amount):
        root = self.root(target, directory)
        seconds = self.work("rename", root / f"tree-{target.number}", directory / "moved")
        left = targets.run(["ls", root], self.limit).split()
        if f"tree-{target.number}" in left:
            raise targets.Failed("the old name is still there")
        return seconds

    def check(self, directory, amount):
        self.work("check-files", directory / "moved", amount, 4096)

    def rate(self, amount, seconds):
        return 1000 * seconds
