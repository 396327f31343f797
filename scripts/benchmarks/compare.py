"""What the benchmarks of object stores share: servers, figures of several targets, their ratios."""

import pathlib
import shutil
import tempfile

import common
import stores


def paired(runs, name, reference):
    """Ratios within each repetition: a noisy moment meets both."""
    return [runs[name][number]["rate"] / runs[reference][number]["rate"] for number in runs[name] if number in runs.get(reference, {})]


def summary(row, runs, failures):
    result = {"row": row.key, "work": row.title, "unit": row.unit, "targets": {}, "failed": failures}
    for name, by_number in runs.items():
        figures = list(by_number.values())
        if not figures:
            continue
        entry = common.spread([run["rate"] for run in figures])
        entry["amount"] = figures[0]["amount"]
        for key in ("cpu_seconds", "peak_rss_mib", "stored_seconds", "cpu_seconds_until_stored", "first_ms", "fetched_kib"):
            values = [run[key] for run in figures if key in run]
            if values:
                entry[key] = round(max(values) if key == "peak_rss_mib" else common.spread(values)["median"], 3)
        for reference in (row.reference, "passthrough_ll"):
            ratios = paired(runs, name, reference) if reference and reference != name else []
            if ratios:
                entry[f"ratio_to_{reference.replace(' ', '_')}"] = common.spread(ratios)
        result["targets"][name] = entry
    return result


def number_text(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def show(result, reference):
    print(f"\n{result['work']}, {result['unit']}:", flush=True)
    for name, entry in result["targets"].items():
        parts = [f"{number_text(entry['median'])} ({number_text(entry['min'])} to {number_text(entry['max'])})"]
        for other in (reference, "passthrough_ll"):
            ratio = entry.get(f"ratio_to_{(other or '').replace(' ', '_')}")
            # Peers beside passthrough_ll are of no interest; the JSON has them.
            if ratio and (other == reference or name == "tiermount"):
                parts.append(f"{ratio['median']:.3g} × {other} ({ratio['min']:.3g} to {ratio['max']:.3g})")
        if "cpu_seconds" in entry:
            parts.append(f"CPU {entry['cpu_seconds']:.2f} s, RSS {entry['peak_rss_mib']:.0f} MiB")
        if "first_ms" in entry:
            parts.append(f"first after {entry['first_ms']:.1f} ms")
        if "fetched_kib" in entry:
            parts.append(f"{entry['fetched_kib']:.1f} KiB fetched each")
        if "stored_seconds" in entry:
            parts.append(f"in the store {entry['stored_seconds']:.2f} s later (CPU {entry['cpu_seconds_until_stored']:.2f} s)")
        print(f"  {name:<15} {entry['amount']:>6,}: " + "; ".join(parts), flush=True)
    for name, why in result["failed"].items():
        print(f"  {name:<15} failed: {why}", flush=True)


def store_directory(stack, place):
    """In memory where there is plenty, so that the store's disk is not the cache's disk."""
    shared = pathlib.Path("/dev/shm")
    if shared.is_dir() and shutil.disk_usage(shared).free > 8 << 30 and available_bytes() > 12 << 30:
        return pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tiermount-bench-", dir=shared))), "memory"
    return place.directory("stores"), "the disk of the cache"


def available_bytes():
    with open("/proc/meminfo", encoding="ascii") as memory:
        return next(int(line.split()[1]) << 10 for line in memory if line.startswith("MemAvailable:"))


def start_server(stack, home, link=None):
    server = stores.Proxy(home, link)
    stack.callback(server.stop)
    server.await_answer()
    return server
