"""Writing: through tiermount, beside the disk, passthrough_ll, s3fs, rclone and the SDK alone."""

import contextlib
import shutil
import signal
import sys

import common
import compare
import rows
import stores
import targets
import tools

LINK_MIBS, LINK_DELAY_MS = 400, 10
KEYS = ("sequential", "dd", "remote", "shaped", "small", "small-fsync", "small-remote", "untar", "clone", "append", "rename")
MOUNTS = {"local": "local", "remote": "remote", "shaped": "remote"}
LOCAL = ("raw", "passthrough_ll", "rclone", "s3fs", "local")


def all_rows(quick, sources):
    """Every row with the amounts of its targets."""
    limit = 60 if quick else 600

    def amounts(names, ours, peers):
        return {name: peers if name in ("rclone", "rclone-off", "s3fs") else ours for name in names}

    mebibytes, remote = (256, 128) if quick else (1024, 512)
    small, small_remote, peers = (2000, 500, 200) if quick else (10_000, 10_000, 1000)
    one = {"raw", "passthrough_ll", "rclone", "local"}
    uploads = f"write + close of {remote} MiB, durability remote"
    yield rows.Sequential("sequential", f"sequential write of {mebibytes} MiB + fsync, durability local",
                          amounts([name for name in LOCAL if name in one], mebibytes, mebibytes), limit, True)
    yield rows.Dd("dd", f"dd bs=4k of {mebibytes} MiB + fsync, durability local",
                  amounts(("raw", "passthrough_ll", "local"), mebibytes, mebibytes), limit, sources)
    yield rows.Sequential("remote", f"{uploads}, loopback",
                          amounts(("raw upload", "s3fs", "rclone-off", "rclone", "remote"), remote, remote), limit, False, "raw upload")
    yield rows.Sequential("shaped", f"{uploads}, {LINK_MIBS} MiB/s and {LINK_DELAY_MS} ms",
                          amounts(("raw upload", "s3fs", "rclone-off", "rclone", "shaped"), remote, remote), limit, False, "raw upload")
    for threads in (1, 8):
        each = f"create + write 4 KiB + close, {threads} thread{'s' if threads > 1 else ''}"
        yield rows.SmallFiles("small", f"{each}, durability local",
                              amounts([name for name in LOCAL if name in one], small, peers), limit, threads, False)
        yield rows.SmallFiles("small-remote", f"{each}, durability remote",
                              amounts(("raw", "s3fs", "rclone-off", "remote"), small_remote, peers), limit, threads, False)
    for threads in (1, 8):
        yield rows.SmallFiles("small-fsync", f"create + write 4 KiB + fsync + close, {threads} thread{'s' if threads > 1 else ''}, durability local",
                              amounts([name for name in LOCAL if name in one], 500 if quick else 2000, peers), limit, threads, True)
    yield rows.Untar("untar", "untar, files, durability local", amounts(LOCAL, 2000, 200 if quick else 2000), limit, sources)
    yield rows.Clone("clone", "git clone, files, durability local", amounts(LOCAL, 500, 100 if quick else 500), limit, sources)
    yield rows.Append("append", "open + append 4 KiB + close, durability local", amounts(LOCAL, 1000, 100 if quick else 1000), limit)
    rename = rows.Rename("rename", "rename of a directory of small files", amounts(("raw", "rclone", "s3fs", "local"), 1000 if quick else 10_000, 1000),
                         limit)
    rename.reference = None
    yield rename


def configuration(place, servers):
    conf = place.path / "mounts.conf"
    mounts = "\n".join(
        f'  {name} {{ path = "{place.path}/m/{name}", scope = shared, source = "s3://{stores.BUCKET}/{name}", '
        f'endpoint = "{server.endpoint}", region = us-east-1, credentials = bench, write.durability = {MOUNTS[name]} }}'
        for name, server in servers.items())
    conf.write_text(f"""
storage.cache {{ default_base_dir = "{place.path}/cache", size {{ min_free_bytes = 512M }} }}
credentials {{ bench {{ type = s3, access_key = {stores.KEY}, secret_key = {stores.SECRET} }} }}
mounts {{
{mounts}
}}
""", encoding="utf-8")
    return conf


def start_ours(place, servers):
    """The targets by name, and why they cannot be written, if they cannot."""
    log = place.path / "daemon.log"
    process, began = place.daemon(configuration(place, servers), log)
    common.await_mounts([place.path / "m" / name for name in servers], began, process, log)
    ours = {name: targets.Ours(place, server, name, process) for name, server in servers.items()}
    warm_up = rows.SmallFiles("warm-up", "warm-up", {}, 60, 8, False)
    for target in ours.values():
        try:
            directory = target.begin()
            warm_up.do(target, directory, 500)
            warm_up.check(directory, 500)
            target.settle(directory)
        except targets.Failed as failed:
            # Of a build that only reads; anything else shall show in each row.
            if "Read-only file system" in str(failed):
                return {}, f"not writable: {failed}"
            print(f"{target.mount}: warm-up: {failed}", flush=True)
    return ours, None


def one_run(row, target, amount, place):
    """Figures of one run; Failed where it was not done, or not rightly."""
    row.prepare(target, amount)
    # For each the same: a disk with nothing to write, and memory that a virtual machine's host has really given. Where
    # it takes free memory back, the first run to touch it was up to 20 times slower than the next.
    targets.run(["sync", "-f", place.path], 300)
    targets.run([tools.TOOLS / "work", "touch", row.memory(amount)], 60)
    try:
        directory = target.begin()
        row.settle_in(target, directory, amount)
        target.began()
        seconds = row.do(target, directory, amount)
        figures = {"rate": row.rate(amount, seconds), "amount": amount, **target.figures()}
        if not isinstance(target, targets.RawUpload):
            row.check(directory, amount)
            row.check_mounted(directory, amount)
        stored = target.settle(directory)
        if stored is not None:
            figures["stored_seconds"] = stored
            figures["cpu_seconds_until_stored"] = target.figures().get("cpu_seconds", 0)
        in_store = target.in_store(directory)
        # What was acknowledged as remote must be there at once; what is local, once sync said so.
        if in_store is not None and (stored is not None or not isinstance(target, targets.Ours) or MOUNTS[target.mount] == "remote"):
            row.check(in_store, amount)
        if row.large and not isinstance(target, targets.RawUpload):
            targets.run(["rm", "-rf", directory], 60)
        return figures
    except targets.Failed as failed:
        if isinstance(target, targets.Ours) and "not done within" in str(failed):
            target.give_up(failed)
        raise
    finally:
        target.end()


def measure(row, available, repetitions, place):
    """Each repetition takes every target in turn. A target that failed is out of this row."""
    runs = {name: {} for name in row.amounts}
    failures = {}
    for number in range(repetitions):
        for name, amount in row.amounts.items():
            target = available.get((row.key, name), available.get(name))
            if target is None or name in failures:
                continue
            try:
                runs[name][number] = one_run(row, target, amount, place)
            except targets.Failed as failed:
                failures[name] = str(failed)
                runs[name] = {}
    # Whichever of our mounts it was, readers look for one name.
    by_name = {"tiermount" if name in MOUNTS else name: by_number for name, by_number in runs.items()}
    failures = {"tiermount" if name in MOUNTS else name: why for name, why in failures.items()}
    result = compare.summary(row, by_name, failures)
    compare.show(result, row.reference)
    return result


def prepare(stack, place, wanted, notes):
    """Servers, then every target that can be had, by name or by (row, name)."""
    tools.own("work")
    home, where = compare.store_directory(stack, place)
    print(f"stores: s3proxy, objects in {where}", flush=True)
    server = compare.start_server(stack, home / "loopback")
    servers = {"local": server, "remote": server}
    available = {"raw": targets.Raw(place)}
    program, why = tools.passthrough_ll()
    if program:
        available["passthrough_ll"] = targets.PassthroughLl(place, program)
    else:
        notes.append(f"no passthrough_ll: {why}")
    near = {"loopback": server}
    if "shaped" in wanted:
        why = stores.Link.why_not()
        if why is None:
            tools.own("delay")
            try:
                link = stack.enter_context(stores.Link(tools.TOOLS, LINK_MIBS, LINK_DELAY_MS))
                servers["shaped"] = near["shaped"] = compare.start_server(stack, home / "shaped", link)
                print(f"shaped: {LINK_MIBS} MiB/s each way by tbf, answers {LINK_DELAY_MS} ms late by {link.delayed_by}", flush=True)
            except OSError as failed:
                why = str(failed)
        if why:
            notes.append(f"no shaped store: {why}")
    pattern = place.path / "pattern"
    targets.run([tools.TOOLS / "work", "pattern", pattern], 30)
    for at, its in near.items():
        peers = [targets.Rclone(place, its, mode) for mode in ("writes", "off")] if shutil.which("rclone") else []
        peers += [targets.S3fs(place, its)] if shutil.which("s3fs") else []
        if {"remote", "shaped"} & set(wanted):
            peers.append(targets.RawUpload(place, its, pattern))
        for peer in peers:
            available[("shaped", peer.name) if at == "shaped" else peer.name] = peer
    notes += [f"no {name}: not installed" for name in ("rclone", "s3fs") if shutil.which(name) is None]
    ours, why = start_ours(place, servers)
    available.update(ours)
    if why:
        notes.append(f"tiermount: {why}: its columns are left out")
    return available


def main():
    options = common.arguments("writing", KEYS)
    wanted = options.only or KEYS
    # So that a stop from outside cleans up too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    notes, results = [], []
    with common.Place() as place, contextlib.ExitStack() as stack:
        facts = common.machine(place.path)
        common.heading(facts)
        sources = place.directory("sources")
        available = prepare(stack, place, wanted, notes)
        for note in notes:
            print(note, flush=True)
        for row in all_rows(options.quick, sources):
            if row.key in wanted and not (row.key == "shaped" and "shaped" not in {key[0] for key in available if isinstance(key, tuple)}):
                results.append(measure(row, available, 2 if options.quick else 3, place))
        common.finish(options, {"benchmark": "write", "machine": facts, "notes": notes, "rows": results})
    broken = [f"{result['work']}: {result['failed']['tiermount']}" for result in results if "tiermount" in result["failed"]]
    if broken:
        sys.exit("bench: tiermount failed:\n" + "\n".join(broken))


main()
