"""What is cached, beside the file system that holds the cache: one large file, many small ones, attributes."""

import json
import os
import subprocess
import sys
import time

import common

SMALL_FILES = 10_000
PROCESSES = 4
TARGETS = ("raw", "mount", "daemon", "skip")


def configuration(place):
    conf = place.path / "mounts.conf"
    source = f'scope = shared, source = "file://{place.path}/bucket?as=bucket", prefix = "", read_only = true'
    conf.write_text(f"""
storage.cache {{ default_base_dir = "{place.path}/cache", size {{ min_free_bytes = 512M }} }}
mounts {{
  mount  {{ path = "{place.path}/m/mount",  {source} }}
  daemon {{ path = "{place.path}/m/daemon", {source}, fuse.passthrough = off }}
  skip   {{ path = "{place.path}/m/skip",   {source}, fuse.open = skip }}
}}
""", encoding="utf-8")
    return conf, [place.path / "m" / name for name in ("mount", "daemon", "skip")]


def fill(place, large_bytes):
    block = os.urandom(1 << 20)
    with open(place.directory("bucket") / "large", "wb") as large:
        for _ in range(large_bytes >> 20):
            large.write(block)
        os.fsync(large.fileno())
    for directory in (place.directory("bucket/small"), place.directory("raw")):
        for number in range(SMALL_FILES):
            (directory / f"{number:05d}").write_bytes(block[number:number + 4096])
    os.sync()


def read_requests(path):
    for daemon in common.status():
        for mount in daemon["mounts"]:
            if mount["path"] == str(path):
                counts = {name.lower(): count for name, count in mount["requests"].items()}
                return counts.get("read", 0)
    sys.exit(f"bench: {path} is not in tiermount status")


def fio(path, pattern, direct, jobs, seconds):
    """MiB/s and operations per second of one run."""
    done = subprocess.run(
        ["fio", "--name=bench", f"--filename={path}", "--readonly", "--rw=" + ("read" if pattern == "sequential" else "randread"),
         "--bs=" + ("1m" if pattern == "sequential" else "4k"), f"--direct={int(direct)}", "--ioengine=psync", f"--numjobs={jobs}",
         "--invalidate=0", "--time_based", f"--runtime={seconds}", "--group_reporting", "--output-format=json", "--randrepeat=0"],
        capture_output=True, text=True, check=True, timeout=120)
    # fio may print notes before its JSON.
    read = json.loads(done.stdout[done.stdout.index("{"):])["jobs"][0]["read"]
    return read["bw_bytes"] / (1 << 20), read["iops"]


def large_file(place, pid, targets, repetitions, seconds):
    """Each repetition takes every target in turn, so that a noisy moment meets all of them."""
    rows = []
    for pattern in ("sequential", "random"):
        for direct in (True, False):
            for jobs in (1, 8):
                rates = {name: [] for name in targets}
                cpu = {name: 0.0 for name in targets}
                operations = {name: 0.0 for name in targets}
                for _ in range(repetitions):
                    for name, path in targets.items():
                        before = common.cpu_seconds(pid)
                        mebibytes, iops = fio(path, pattern, direct, jobs, seconds)
                        cpu[name] += common.cpu_seconds(pid) - before
                        operations[name] += iops * seconds
                        rates[name].append(mebibytes if pattern == "sequential" else iops)
                row = {"work": f"{pattern} {'1 MiB' if pattern == 'sequential' else '4 KiB'}, "
                               f"{'O_DIRECT' if direct else 'page cache'}, {jobs} job{'s' if jobs > 1 else ''}",
                       "unit": "MiB/s" if pattern == "sequential" else "1/s"}
                for name in targets:
                    row[name] = common.spread(rates[name])
                    row[name]["daemon_cpu_micros_per_operation"] = round(1e6 * cpu[name] / max(1.0, operations[name]), 2)
                add_ratios(row, [name for name in targets if name != "raw"])
                rows.append(row)
                show(row)
    return rows


def add_ratios(row, names):
    for name in names:
        pairs = [row[name]["median"] / row["raw"]["median"]] if row["raw"]["median"] else [0]
        row[name]["ratio"] = round(pairs[0], 3)


def show(row):
    parts = []
    for name in TARGETS:
        if name in row:
            figure = row[name]
            text = f"{name} {figure['median']:,.0f} ({figure['min']:,.0f} to {figure['max']:,.0f})"
            if "ratio" in figure:
                text += f" = {figure['ratio']:.2f} ×"
            if figure.get("daemon_cpu_micros_per_operation"):
                text += f", {figure['daemon_cpu_micros_per_operation']:.1f} µs CPU"
            parts.append(text)
    print(f"{row['work']}, {row['unit']}: " + "; ".join(parts), flush=True)


def in_processes(work, directory):
    """Runs work over a share of the names in each process; operations per second of all together."""
    names = sorted(os.listdir(directory))
    began = time.monotonic()
    children = []
    for number in range(PROCESSES):
        child = os.fork()
        if child == 0:
            try:
                for name in names[number::PROCESSES]:
                    work(f"{directory}/{name}")
                os._exit(0)
            except OSError:
                os._exit(1)
        children.append(child)
    failed = [child for child in children if os.waitpid(child, 0)[1] != 0]
    if failed:
        sys.exit(f"bench: reading {directory} failed")
    return len(names) / (time.monotonic() - began)


def open_read_close(path):
    descriptor = os.open(path, os.O_RDONLY)
    try:
        if len(os.read(descriptor, 8192)) != 4096:
            raise OSError(f"{path} is short")
    finally:
        os.close(descriptor)


def list_long(directory):
    began = time.monotonic()
    subprocess.run(["ls", "-l", str(directory)], stdout=subprocess.DEVNULL, check=True, timeout=120)
    return SMALL_FILES / (time.monotonic() - began)


def small_files(directories, repetitions):
    works = {
        "open + read + close of 4 KiB files, 4 processes": lambda directory: in_processes(open_read_close, directory),
        "stat, 4 processes": lambda directory: in_processes(os.stat, directory),
        "ls -l, entries": list_long,
    }
    rows = []
    for work, run in works.items():
        rates = {name: [] for name in directories}
        for repetition in range(repetitions + 1):
            for name, directory in directories.items():
                rate = run(directory)
                # The first round fills what may be cached, and is not counted.
                if repetition > 0:
                    rates[name].append(rate)
        row = {"work": work, "unit": "1/s", **{name: common.spread(values) for name, values in rates.items()}}
        add_ratios(row, [name for name in directories if name != "raw"])
        rows.append(row)
        show(row)
    return rows


def data_file(place):
    return max((path for path in (place.path / "cache" / "data").rglob("*") if path.is_file()), key=lambda path: path.stat().st_size)


def main():
    options = common.arguments("what is cached")
    repetitions, seconds = (3, 1) if options.quick else (5, 4)
    with common.Place() as place:
        facts = common.machine(place.path)
        common.heading(facts)
        conf, paths = configuration(place)
        fill(place, (512 if options.quick else 1024) << 20)
        log = place.path / "daemon.log"
        process, began = place.daemon(conf, log)
        common.await_mounts(paths, began, process, log)
        mount = place.path / "m" / "mount"
        for mode in ("mount", "daemon", "skip"):
            subprocess.run([common.PROGRAM, "cache", "warm", str(place.path / "m" / mode)], check=True, stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL, timeout=300)
        with open(mount / "large", "rb") as large:
            while large.read(1 << 20):
                pass
        targets = {"raw": data_file(place), "mount": mount / "large", "daemon": place.path / "m" / "daemon" / "large"}
        before = read_requests(mount)
        rows = large_file(place, process.pid, targets, repetitions, seconds)
        reads = read_requests(mount) - before
        print(f"READ requests of the mount with passthrough during all of it: {reads}")
        directories = {"raw": place.path / "raw", "mount": mount / "small", "daemon": place.path / "m" / "daemon" / "small",
                       "skip": place.path / "m" / "skip" / "small"}
        rows += small_files(directories, repetitions)
        common.finish(options, {"benchmark": "warm", "machine": facts, "read_requests_with_passthrough": reads, "rows": rows})


main()
