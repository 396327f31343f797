"""Reading what is not cached: through tiermount, beside the SDK alone, s3fs and rclone."""

import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

import common
import compare
import stores
import targets
import tools

LINK_MIBS, LINK_DELAY_MS = 400, 10
KEYS = ("sequential", "shaped", "random", "small", "list", "memory")
MEMORY_MAX_MIB = 512
ALL = ("raw", "s3fs", "rclone", "tiermount")


class RawRead(targets.Target):
    """RawRead.java: the daemon's SDK, no file system."""

    name = "raw"

    def __init__(self, place, server):
        super().__init__(place)
        self.server = server
        environment = {**os.environ, "AWS_ACCESS_KEY_ID": stores.KEY, "AWS_SECRET_ACCESS_KEY": stores.SECRET}
        libraries = pathlib.Path(common.PROGRAM).parent.parent / "lib"
        source = pathlib.Path(__file__).parent / "RawRead.java"
        self.log = place.path / "raw-read.log"
        self.process = subprocess.Popen(
            [os.path.join(os.environ["JAVA_HOME"], "bin", "java"), "-Xmx512m", "-cp", f"{libraries}/*", str(source), server.endpoint,
             stores.BUCKET],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=open(self.log, "ab"), text=True, env=environment)
        place.daemons.append(self.process)
        if self.process.stdout.readline() != "ready\n":
            raise targets.Failed(f"RawRead.java did not start: {self.log.read_text()[-500:]}")

    def ask(self, *words):
        self.process.stdin.write(" ".join(str(word) for word in words) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise targets.Failed(f"RawRead.java ended: {self.log.read_text()[-500:]}")
        return [float(word) for word in line.split()]

    def seed(self, name):
        return self.server.data / name

    def begin(self):
        self.number += 1


class Peers:
    """What is common to s3fs and rclone here: a new mount for each run, the object seeded before."""

    def begin(self):
        self.number += 1
        return targets.Mounted.begin(self)

    def work_directory(self):
        return self.path


class S3fs(Peers, targets.S3fs):
    pass


class Rclone(Peers, targets.Rclone):
    pass


class Ours(targets.Ours):
    def begin(self):
        if self.dead:
            raise targets.Failed(self.dead)
        self.number += 1
        return self.path

    def fetched_bytes(self):
        for daemon in common.status():
            for mount in daemon["mounts"]:
                if mount["path"] == str(self.path):
                    return sum(operation["bytes"] for operation in mount["store"]["operations"].values()) \
                        if "operations" in mount["store"] else sum(value["bytes"] for value in mount["store"].values()
                                                                   if isinstance(value, dict) and "bytes" in value)
        raise targets.Failed("status knows no such mount")


class Row:
    unit = "MiB/s"
    reference = "raw"

    def __init__(self, key, title, names, amount, limit, at):
        self.key, self.title, self.limit, self.at = key, title, limit, at
        self.amounts = {name: amount for name in names}

    def work(self, *words):
        return [float(word) for word in targets.run([tools.TOOLS / "work", *words], self.limit).split()]

    def link(self, sources, target, name):
        """An object under a new key: one more name of the same file."""
        seed = target.seed(name)
        seed.parent.mkdir(parents=True, exist_ok=True)
        os.link(sources, seed)

    def clean(self, target, name):
        shutil.rmtree(target.seed(name), ignore_errors=True)


class Large(Row):
    """One object of so many MiB, under a new key in each run."""

    def source(self, target, mebibytes):
        source = target.server.data.parent.parent / f"large-{mebibytes}"
        if not source.exists():
            self.work("sequential", source, mebibytes << 20, 1 << 20)
        return source

    def prepare(self, target, amount, run):
        self.link(self.source(target, self.mebibytes(amount)), target, f"{run}/large")

    def mebibytes(self, amount):
        return amount

    def do(self, target, directory, run, amount):
        if isinstance(target, RawRead):
            seconds = target.ask("sequential", f"{run}/large", amount << 20)[0]
        else:
            seconds = self.work("check", directory / run / "large", amount << 20)[0]
        return {"rate": amount / seconds}


class Random(Large):
    """So many reads of 4 KiB in an object of 256 MiB, one after the other; the median of one, in ms."""

    unit = "ms"

    def mebibytes(self, amount):
        return 256

    def do(self, target, directory, run, amount):
        if isinstance(target, RawRead):
            return {"rate": 1000 * target.ask("random", f"{run}/large", 256 << 20, amount)[0]}
        before = target.fetched_bytes() if isinstance(target, Ours) else 0
        figures = {"rate": 1000 * self.work("random", directory / run / "large", 256 << 20, amount)[0]}
        if isinstance(target, Ours):
            figures["fetched_kib"] = (target.fetched_bytes() - before) / 1024 / amount
        return figures


class Small(Row):
    """So many objects of 100 KiB, 16 readers."""

    unit = "1/s"
    BYTES, READERS = 100 << 10, 16

    def prepare(self, target, amount, run):
        source = target.server.data.parent.parent / f"small-{amount}"
        if not source.exists():
            source.mkdir()
            self.work("files", source, amount, self.BYTES, 1)
        seed = target.seed(run)
        seed.mkdir(parents=True)
        for name in os.listdir(source):
            os.link(source / name, seed / name)

    def do(self, target, directory, run, amount):
        if isinstance(target, RawRead):
            return {"rate": amount / target.ask("small", run, amount, self.READERS)[0]}
        return {"rate": amount / self.work("read-files", directory / run, amount, self.BYTES, self.READERS)[0]}


class List(Row):
    """readdir of so many empty objects."""

    unit = "1/s"

    def prepare(self, target, amount, run):
        seed = target.seed(run)
        seed.mkdir(parents=True)
        for number in range(amount):
            os.close(os.open(seed / f"file-{number:06d}", os.O_CREAT | os.O_WRONLY, 0o644))

    def do(self, target, directory, run, amount):
        first, total = target.ask("list", run) if isinstance(target, RawRead) else self.work("list", directory / run, amount)
        return {"rate": amount / total, "first_ms": 1000 * first}


class Memory(Large):
    """64 readers of an object of so many MiB each; the daemon's largest anonymous memory, in MiB."""

    unit = "MiB anonymous"
    READERS = 64
    reference = None

    def prepare(self, target, amount, run):
        for number in range(self.READERS):
            self.link(self.source(target, amount), target, f"{run}/large-{number}")

    def do(self, target, directory, run, amount):
        readers = [subprocess.Popen([str(tools.TOOLS / "work"), "check", str(directory / run / f"large-{number}"), str(amount << 20)],
                                    stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
                   for number in range(self.READERS)]
        most, end = 0, time.monotonic() + self.limit
        while any(reader.poll() is None for reader in readers):
            most = max(most, anonymous_mib(target.process.pid))
            if time.monotonic() > end:
                for reader in readers:
                    reader.kill()
                raise targets.Failed(f"64 readers: not done within {self.limit} s")
            time.sleep(0.05)
        wrong = [reader.stderr.read().strip() for reader in readers if reader.returncode != 0]
        if wrong:
            raise targets.Failed(f"{len(wrong)} of 64 readers failed: {wrong[0]}")
        return {"rate": most}


def anonymous_mib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith("RssAnon:"))


def all_rows(quick):
    limit = 120 if quick else 900
    large = 256 if quick else 1024
    shaped = f"{LINK_MIBS} MiB/s and {LINK_DELAY_MS} ms"
    yield Large("sequential", f"cold sequential read of {large} MiB, loopback", ALL, large, limit, "loopback")
    yield Large("shaped", f"cold sequential read of {large} MiB, {shaped}", ALL, large, limit, "shaped")
    reads = 200 if quick else 2000
    yield Random("random", "cold random 4 KiB in 256 MiB, median, loopback", ALL, reads, limit, "loopback")
    yield Random("random", f"cold random 4 KiB in 256 MiB, median, {shaped}", ("raw", "tiermount"), reads, limit, "shaped")
    files = 1000 if quick else 10_000
    yield Small("small", f"cold {files:,} × 100 KiB, 16 readers, loopback", ALL, files, limit, "loopback")
    yield Small("small", f"cold {files:,} × 100 KiB, 16 readers, {shaped}", ALL, files, limit, "shaped")
    entries = 5000 if quick else 100_000
    yield List("list", f"cold readdir of {entries:,} entries, loopback", ("raw", "rclone", "tiermount"), entries, limit, "loopback")
    yield Memory("memory", f"64 readers of {64 if quick else 256} MiB each, memory.max = {MEMORY_MAX_MIB}M", ("tiermount",), 64 if quick else 256,
                 limit, "loopback")


def configuration(place, servers):
    conf = place.path / "mounts.conf"
    mounts = "\n".join(
        f'  {name} {{ path = "{place.path}/m/{name}", scope = shared, read_only = true, source = "s3://{stores.BUCKET}/{name}", '
        f'endpoint = "{server.endpoint}", region = us-east-1, credentials = bench }}'
        for name, server in servers.items())
    conf.write_text(f"""
storage.cache {{ default_base_dir = "{place.path}/cache", size {{ min_free_bytes = 512M }} }}
memory.max = {MEMORY_MAX_MIB}M
credentials {{ bench {{ type = s3, access_key = {stores.KEY}, secret_key = {stores.SECRET} }} }}
mounts {{
{mounts}
}}
""", encoding="utf-8")
    return conf


def prepare(stack, place, wanted, notes):
    """Targets by (place of the store, name)."""
    tools.own("work")
    home, where = compare.store_directory(stack, place)
    print(f"stores: s3proxy, objects in {where}", flush=True)
    servers = {"loopback": compare.start_server(stack, home / "loopback")}
    if {"shaped", "random", "small"} & set(wanted):
        why = stores.Link.why_not()
        if why is None:
            tools.own("delay")
            try:
                link = stack.enter_context(stores.Link(tools.TOOLS, LINK_MIBS, LINK_DELAY_MS))
                servers["shaped"] = compare.start_server(stack, home / "shaped", link)
                print(f"shaped: {LINK_MIBS} MiB/s each way by tbf, answers {LINK_DELAY_MS} ms late by {link.delayed_by}", flush=True)
            except OSError as failed:
                why = str(failed)
        if why:
            notes.append(f"no shaped store: {why}")
    for name, server in servers.items():
        (server.data / name).mkdir(parents=True, exist_ok=True)
    log = place.path / "daemon.log"
    process, began = place.daemon(configuration(place, servers), log)
    common.await_mounts([place.path / "m" / name for name in servers], began, process, log)
    available = {}
    for name, server in servers.items():
        available[name, "raw"] = RawRead(place, server)
        available[name, "tiermount"] = Ours(place, server, name, process)
        if shutil.which("s3fs"):
            available[name, "s3fs"] = S3fs(place, server)
        if shutil.which("rclone"):
            available[name, "rclone"] = Rclone(place, server, "writes")
    notes += [f"no {name}: not installed" for name in ("rclone", "s3fs") if shutil.which(name) is None]
    return available


def one_run(row, target, amount, run, place):
    row.prepare(target, amount, run)
    targets.run(["sync", "-f", place.path], 300)
    try:
        directory = target.begin()
        target.began()
        figures = row.do(target, directory, run, amount)
        return {"amount": amount, **target.figures(), **figures}
    except targets.Failed as failed:
        if isinstance(target, Ours) and "not done within" in str(failed):
            target.give_up(failed)
        raise
    finally:
        target.end()
        row.clean(target, run)


def measure(row, available, repetitions, place):
    """Each repetition takes every target in turn, the first is not counted (classes, connections). A failed target is out."""
    runs, failures = {name: {} for name in row.amounts}, {}
    for number in range(-1, repetitions):
        for name, amount in row.amounts.items():
            target = available.get((row.at, name))
            if target is None or name in failures or (number < 0 and name in ("s3fs", "rclone")) or (number != 0 and isinstance(row, Memory)):
                continue
            try:
                figures = one_run(row, target, amount, f"{row.key}-{row.at}-{number}", place)
                if number >= 0:
                    runs[name][number] = figures
            except targets.Failed as failed:
                failures[name] = str(failed)
                runs[name] = {}
    result = compare.summary(row, runs, failures)
    compare.show(result, row.reference)
    return result


def main():
    options = common.arguments("reading what is not cached", KEYS)
    wanted = options.only or KEYS
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    notes, results = [], []
    with common.Place() as place, contextlib.ExitStack() as stack:
        facts = common.machine(place.path)
        common.heading(facts)
        available = prepare(stack, place, wanted, notes)
        for note in notes:
            print(note, flush=True)
        for row in all_rows(options.quick):
            if row.key in wanted and (row.at, "tiermount") in available:
                results.append(measure(row, available, 2 if options.quick else 5, place))
        common.finish(options, {"benchmark": "cold", "machine": facts, "notes": notes, "rows": results})
    broken = [f"{result['work']}: {result['failed']['tiermount']}" for result in results if "tiermount" in result["failed"]]
    if broken:
        sys.exit("bench: tiermount failed:\n" + "\n".join(broken))


main()
