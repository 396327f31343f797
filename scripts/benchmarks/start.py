"""Start-up: from exec of the launcher to four mounts that answer, and what single commands take."""

import shutil
import subprocess
import time

import common
import stores


def configuration(place, ports):
    conf = place.path / "mounts.conf"
    s3 = "source = \"s3://bucket/{0}\", endpoint = \"http://127.0.0.1:{1}\", region = us-east-1, credentials = bench"
    conf.write_text(f"""
storage.cache {{ default_base_dir = "{place.path}/cache", size {{ min_free_bytes = 512M }} }}
credentials {{ bench {{ type = s3, access_key = bench, secret_key = benchsecret }} }}
mounts {{
  local_storage   {{ path = "{place.path}/m/local",   scope = local,   source = "file://{place.path}/scratch" }}
  cluster_storage {{ path = "{place.path}/m/cluster", scope = cluster, {s3.format("cluster", ports[0])} }}
  user_storage    {{ path = "{place.path}/m/user",    scope = user,    {s3.format("user", ports[1])} }}
  shared_storage  {{ path = "{place.path}/m/shared",  scope = shared,  source = "file://{place.path}/bucket?as=bucket&prefix=shared" }}
}}
""", encoding="utf-8")
    return conf, [place.path / "m" / name for name in ("local", "cluster", "user", "shared")]


def ready_seconds(place, conf, paths, runs, fresh):
    log = place.path / "daemon.log"
    seconds = []
    for run in range(runs + 1):
        if fresh:
            shutil.rmtree(place.path / "cache", ignore_errors=True)
        process, began = place.daemon(conf, log)
        took = common.await_mounts(paths, began, process, log)
        # The first run reads the jars from disk and is not counted.
        if run > 0:
            seconds.append(took)
        common.stop(process)
    return common.spread(seconds)


def command_seconds(arguments, runs):
    seconds = []
    for run in range(runs + 1):
        began = time.monotonic()
        subprocess.run([common.PROGRAM, *arguments(run)], stdout=subprocess.DEVNULL, check=True)
        if run > 0:
            seconds.append(time.monotonic() - began)
    return common.spread(seconds)


def commands(place, conf, paths, runs):
    log = place.path / "daemon.log"
    process, began = place.daemon(conf, log)
    common.await_mounts(paths, began, process, log)
    bucket = place.directory("more")
    one_more = lambda run: ["mount", f"file://{bucket}?as=bucket", f"{place.path}/more-{run}", "-o", f"cache.dir={place.path}/cache"]
    figures = {
        "mount on a running daemon": command_seconds(one_more, runs),
        "status": command_seconds(lambda _: ["status"], runs),
        "version (any command's least)": command_seconds(lambda _: ["version"], runs),
    }
    common.stop(process)
    return figures


def main():
    options = common.arguments("start-up")
    runs = 3 if options.quick else 10
    with common.Place() as place:
        facts = common.machine(place.path)
        common.heading(facts)
        proxies = [stores.Proxy(place.directory(name)) for name in ("s3a", "s3b")]
        try:
            for proxy in proxies:
                proxy.await_answer()
            place.directory("scratch")
            place.directory("bucket")
            conf, paths = configuration(place, [proxy.port for proxy in proxies])
            figures = {
                "four mounts, stores up, empty cache": ready_seconds(place, conf, paths, runs, True),
                "four mounts, stores up": ready_seconds(place, conf, paths, runs, False),
                **commands(place, conf, paths, runs),
            }
        finally:
            for proxy in proxies:
                proxy.stop()
        figures["four mounts, stores down"] = ready_seconds(place, conf, paths, runs, False)
        for name, figure in figures.items():
            print(f"{name}: median {figure['median']:.2f} s, {figure['min']:.2f} to {figure['max']:.2f} ({figure['runs']} runs)")
        common.finish(options, {"benchmark": "start", "machine": facts, "seconds": figures})


main()
