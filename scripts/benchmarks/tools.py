"""The benchmarks' small C programs, built once into BENCH_TOOLS."""

import gzip
import os
import pathlib
import shutil
import subprocess

HERE = pathlib.Path(__file__).parent
TOOLS = pathlib.Path(os.environ["BENCH_TOOLS"])
# libfuse's own example, as Debian's libfuse3-dev brings it: built here, never kept in this repository.
EXAMPLES = pathlib.Path("/usr/share/doc/libfuse3-dev/examples")


def compile_c(source, program, *flags):
    if program.exists() and program.stat().st_mtime > source.stat().st_mtime:
        return
    TOOLS.mkdir(parents=True, exist_ok=True)
    subprocess.run(["gcc", "-O2", "-pthread", str(source), "-o", f"{program}.new", *flags], check=True, timeout=120)
    os.replace(f"{program}.new", program)


def own(name):
    compile_c(HERE / f"{name}.c", TOOLS / name)
    return TOOLS / name


def passthrough_ll():
    """The program, and why there is none."""
    there = os.environ.get("BENCH_PASSTHROUGH_LL")
    if there:
        return pathlib.Path(there), None
    source, needed = EXAMPLES / "passthrough_ll.c", EXAMPLES / "passthrough_helpers.h"
    if not source.exists() and (EXAMPLES / "passthrough_ll.c.gz").exists():
        TOOLS.mkdir(parents=True, exist_ok=True)
        unpacked = TOOLS / "passthrough_ll.c"
        unpacked.write_bytes(gzip.decompress((EXAMPLES / "passthrough_ll.c.gz").read_bytes()))
        shutil.copy(needed, TOOLS)
        source = unpacked
    if not source.exists():
        return None, f"no {source}: install libfuse3-dev, or name the program in BENCH_PASSTHROUGH_LL"
    try:
        flags = subprocess.run(["pkg-config", "fuse3", "--cflags", "--libs"], capture_output=True, text=True, check=True).stdout.split()
        compile_c(source, TOOLS / "passthrough_ll", *flags)
    except (OSError, subprocess.CalledProcessError) as failed:
        return None, f"it does not build: {failed}"
    return TOOLS / "passthrough_ll", None
