"""What the benchmarks share: a place of their own, a daemon, numbers."""

import argparse
import json
import os
import pathlib
import platform
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

PROGRAM = os.environ["TIERMOUNT"]
TICKS = os.sysconf("SC_CLK_TCK")


def arguments(about, rows=()):
    parser = argparse.ArgumentParser(prog="bench", description=about)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json")
    parser.add_argument("--only", type=lambda text: text.split(","))
    options = parser.parse_args()
    unknown = [row for row in options.only or [] if row not in rows]
    if unknown:
        parser.error(f"--only: no row {', '.join(unknown)}" + (f"; there are {', '.join(rows)}" if rows else ""))
    return options


class Place:
    """A directory for one run: state, mounts and the run directory of its daemons. Removed at the end."""

    def __enter__(self):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="tiermount-bench-", dir=os.environ["BENCH_DIR"]))
        self.daemons = []
        # No daemon of this machine is asked, started or stopped but our own.
        os.environ["TIERMOUNT_RUN_DIR"] = str(self.path / "run")
        return self

    def directory(self, name):
        path = self.path / name
        path.mkdir(parents=True, exist_ok=True)
        return path

    def __exit__(self, *_):
        for process in self.daemons:
            stop(process)
        left = [line.split()[1] for line in mounts() if line.split()[1].startswith(str(self.path))]
        for path in reversed(left):
            subprocess.run(["umount", "-l", path], check=False)
        shutil.rmtree(self.path, ignore_errors=True)

    def daemon(self, config, log):
        """Returns the process and the moment it was executed."""
        out = open(log, "wb")
        began = time.monotonic()
        process = subprocess.Popen([PROGRAM, "daemon", "--config", str(config)], stdin=subprocess.DEVNULL, stdout=out,
                                   stderr=out, start_new_session=True,
                                   preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
        self.daemons.append(process)
        return process, began


def stop(process, seconds=30):
    """A real stop: the daemon unmounts, and no other follows it."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def mounts():
    with open("/proc/self/mounts", encoding="utf-8") as table:
        return table.readlines()


def await_mounts(paths, began, process, log, seconds=60):
    """Seconds from began until each path is in the kernel's table and answers a stat."""
    waiting = {str(path) for path in paths}
    while waiting:
        if time.monotonic() - began > seconds or process.poll() is not None:
            sys.exit(f"bench: not mounted: {', '.join(waiting)}: see the end of its log:\n{pathlib.Path(log).read_text()[-2000:]}")
        for path in {line.split()[1] for line in mounts()} & waiting:
            os.stat(path)
            waiting.discard(path)
        if waiting:
            time.sleep(0.005)
    return time.monotonic() - began


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def status():
    done = subprocess.run([PROGRAM, "status", "--json"], capture_output=True, check=False, text=True)
    return json.loads(done.stdout)["daemons"]


def spread(values):
    return {"median": statistics.median(values), "min": min(values), "max": max(values), "runs": len(values)}


def load():
    return os.getloadavg()[0]


def machine(place):
    with open("/proc/cpuinfo", encoding="utf-8") as cpus:
        names = [line.split(":", 1)[1].strip() for line in cpus if line.startswith("model name")]
    file_system = subprocess.run(["stat", "-f", "-c", "%T", str(place)], capture_output=True, text=True, check=False).stdout.strip()
    return {
        "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "kernel": platform.release(),
        "cpu": f"{len(names)} × {names[0] if names else platform.machine()}",
        "file_system": file_system,
        "load_at_start": round(load(), 2),
    }


def heading(facts):
    print(f"{facts['date']}, Linux {facts['kernel']}, {facts['cpu']}, {facts['file_system']}, load {facts['load_at_start']}", flush=True)


def finish(options, result):
    result["machine"]["load_at_end"] = round(load(), 2)
    print(f"load at the end: {result['machine']['load_at_end']}")
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
