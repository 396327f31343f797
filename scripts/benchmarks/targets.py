"""File systems that bench write compares: the disk, passthrough_ll, s3fs, rclone, tiermount.

Nothing here touches a mount in this process: every access is a child with a time limit, and a file system that does not
answer is cut off from the kernel and counts as failed.
"""

import os
import pathlib
import shutil
import signal
import subprocess
import time

import common
import stores


class Failed(Exception):
    """A file system did not do the work, or not rightly."""


def run(command, seconds, **options):
    """The command's output; Failed where it fails or is not done in time. Never waits for a child that the kernel holds."""
    process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True, errors="replace", start_new_session=True, **options)
    try:
        out, error = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        raise Failed(f"{pathlib.Path(str(command[0])).name} {command[1]}: not done within {seconds} s") from None
    if process.returncode != 0:
        lines = (error.strip() or out.strip() or f"status {process.returncode}").splitlines()
        raise Failed(f"{pathlib.Path(str(command[0])).name} {command[1]}: {lines[0]}" + (" …" if len(lines) > 1 else ""))
    return out


def cut_off(path):
    """Ends a FUSE mount whatever its daemon does: its waiting programs get errors."""
    with open("/proc/self/mountinfo", encoding="utf-8") as table:
        minors = [line.split()[2].split(":")[1] for line in table if line.split()[4] == str(path)]
    for minor in minors:
        try:
            pathlib.Path(f"/sys/fs/fuse/connections/{minor}/abort").write_text("1", encoding="ascii")
        except OSError:
            pass  # not a FUSE mount, or gone
    subprocess.run(["umount", "-l", str(path)], stderr=subprocess.DEVNULL, check=False, timeout=30)


def peak_rss_mib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        for line in status:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return 0


class Target:
    """One file system. begin() gives an empty directory to work in; end() is called after each run, also a failed one.

    What was written stays until the place is removed: the file system would discard its blocks under the next run.
    """

    name = None

    def __init__(self, place):
        self.place = place
        self.number = 0
        self.process = None

    def begin(self):
        raise NotImplementedError

    def end(self):
        pass

    def close(self):
        pass

    def settle(self, _):
        """Waits until what was acknowledged is in the store, where a file system can tell; seconds, or None."""
        return None

    def in_store(self, _):
        """Where the store keeps what is in a directory of this file system, once it is there; or None."""
        return None

    def began(self):
        """The daemon's figures from here on."""
        if self.process:
            try:
                pathlib.Path(f"/proc/{self.process.pid}/clear_refs").write_text("5", encoding="ascii")
            except OSError:
                pass  # the peak is then that of the process so far
            self.cpu_before = self.cpu_seconds()

    def cpu_seconds(self):
        if self.process.poll() is not None:
            raise Failed(f"its daemon ended with status {self.process.returncode}")
        return common.cpu_seconds(self.process.pid)

    def figures(self):
        if not self.process:
            return {}
        return {"cpu_seconds": self.cpu_seconds() - self.cpu_before, "peak_rss_mib": peak_rss_mib(self.process.pid)}


class Raw(Target):
    name = "raw"

    def begin(self):
        self.number += 1
        self.directory = self.place.directory(f"raw/run-{self.number}")
        return self.directory


class Mounted(Target):
    """A daemon of its own for each run, in the foreground: nothing of an earlier run is cached, or left to upload."""

    def command(self, home, path):
        raise NotImplementedError

    def begin(self):
        self.number += 1
        self.home = self.place.directory(f"{self.name}-{self.number}")
        self.path = self.place.directory(f"m/{self.name}-{self.number}")
        self.log = self.home / "log"
        environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen([str(word) for word in self.command(self.home, self.path)], stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log, start_new_session=True, env=environment)
        end = time.monotonic() + 30
        while str(self.path) not in {line.split()[1] for line in common.mounts()}:
            if time.monotonic() > end or self.process.poll() is not None:
                raise Failed(f"{self.name} does not mount: {self.log.read_text(errors='replace')[-300:].strip()}")
            time.sleep(0.02)
        return self.work_directory()

    def work_directory(self):
        directory = self.path / f"run-{self.number}"
        run(["mkdir", directory], 30)
        return directory

    def end(self):
        if self.process:
            # Killed on purpose: what rclone has not uploaded yet is of no use.
            cut_off(self.path)
            self.process.kill()
            self.process.wait(30)
            self.process = None


class PassthroughLl(Mounted):
    """libfuse's example in C with its defaults: a plain copy of each request to the disk."""

    name = "passthrough_ll"

    def __init__(self, place, program):
        super().__init__(place)
        self.program = program

    def command(self, home, path):
        (home / "source").mkdir()
        return [self.program, "-f", "-o", f"source={home}/source", path]


class Peer(Mounted):
    """A file system over the S3 server, below a prefix of its own."""

    def __init__(self, place, server):
        super().__init__(place)
        self.server = server

    def in_store(self, directory):
        return self.server.data / directory.relative_to(self.path)

    def seed(self, name):
        """Where to put files that shall be in the bucket as name; call before begin()."""
        return self.server.data / name

    def end(self):
        super().end()
        shutil.rmtree(self.server.data / f"run-{self.number}", ignore_errors=True)


class S3fs(Peer):
    """close() returns after the upload: durability remote."""

    name = "s3fs"

    def command(self, home, path):
        keys = home / "passwd"
        keys.write_text(f"{stores.KEY}:{stores.SECRET}\n", encoding="ascii")
        keys.chmod(0o600)
        return ["s3fs", stores.BUCKET, path, "-f", "-o", f"url={self.server.endpoint},use_path_request_style,passwd_file={keys}",
                "-o", "parallel_count=8,multipart_size=8"]


class Rclone(Peer):
    """With a cache of writes close() and fsync() return before the upload: durability local. Without, close() uploads."""

    def __init__(self, place, server, mode):
        super().__init__(place, server)
        self.mode = mode
        self.name = {"writes": "rclone", "off": "rclone-off"}[mode]

    def in_store(self, directory):
        return super().in_store(directory) if self.mode == "off" else None

    def command(self, home, path):
        conf = home / "rclone.conf"
        conf.write_text(f"[bench]\ntype = s3\nprovider = Other\naccess_key_id = {stores.KEY}\nsecret_access_key = {stores.SECRET}\n"
                        f"endpoint = {self.server.endpoint}\nno_check_bucket = true\n", encoding="ascii")
        return ["rclone", "--config", conf, "mount", f"bench:{stores.BUCKET}", path, "--cache-dir", home / "cache",
                "--vfs-cache-mode", self.mode, "--dir-cache-time", "1h", "--attr-timeout", "1h", "--vfs-fast-fingerprint",
                "--transfers", "16", "--s3-upload-concurrency", "8", "--s3-chunk-size", "8M"]


class Ours(Target):
    """A mount of the one daemon that lives through the whole run."""

    name = "tiermount"

    def __init__(self, place, server, mount, daemon):
        super().__init__(place)
        self.server, self.mount, self.process = server, mount, daemon
        self.path = place.path / "m" / mount
        self.dead = None
        self.has_sync = True

    def begin(self):
        if self.dead:
            raise Failed(self.dead)
        self.number += 1
        self.directory = self.path / f"run-{self.number}"
        run(["mkdir", self.directory], 30)
        return self.directory

    def in_store(self, directory):
        return self.server.data / self.mount / directory.relative_to(self.path)

    def seed(self, name):
        return self.server.data / self.mount / name

    def settle(self, directory):
        if not self.has_sync:
            return None
        began = time.monotonic()
        try:
            run([common.PROGRAM, "sync", directory], 300)
        except Failed as failed:
            if "Unmatched argument" not in str(failed):
                raise
            self.has_sync = False  # a build before that command
            return None
        return time.monotonic() - began

    def give_up(self, why):
        """After a run that hung: nothing more is asked of this mount."""
        self.dead = f"given up after: {why}"
        cut_off(self.path)


class RawUpload(Target):
    """RawUpload.java: the daemon's SDK, no file system."""

    name = "raw upload"

    def __init__(self, place, server, pattern):
        super().__init__(place)
        self.server = server
        environment = {**os.environ, "AWS_ACCESS_KEY_ID": stores.KEY, "AWS_SECRET_ACCESS_KEY": stores.SECRET}
        libraries = pathlib.Path(common.PROGRAM).parent.parent / "lib"
        source = pathlib.Path(__file__).parent / "RawUpload.java"
        # As much heap as bodies in memory want; -Xlog: no warning of slf4j's on the line.
        self.process = subprocess.Popen(
            [os.path.join(os.environ["JAVA_HOME"], "bin", "java"), "-Xmx512m", "-cp", f"{libraries}/*", str(source), server.endpoint,
             stores.BUCKET, str(pattern)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=open(place.path / "raw-upload.log", "ab"), text=True, env=environment)
        place.daemons.append(self.process)
        line = self.process.stdout.readline()
        if line != "ready\n":
            raise Failed(f"RawUpload.java did not start: {(place.path / 'raw-upload.log').read_text()[-500:]}")

    def begin(self):
        self.number += 1
        return pathlib.Path(f"raw-upload-{self.number}")

    def in_store(self, directory):
        return self.server.data / directory

    def upload(self, key, size):
        self.process.stdin.write(f"{key} {size}\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise Failed(f"RawUpload.java ended: {(self.place.path / 'raw-upload.log').read_text()[-500:]}")
        return float(line)

    def end(self):
        shutil.rmtree(self.server.data / f"raw-upload-{self.number}", ignore_errors=True)
