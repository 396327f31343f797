"""Start-up: from exec of the launcher to four mounts that answer, and what single commands take."""

import os
import shutil
import socket
import subprocess
import sys
import time

import common


def free_port():
    with socket.socket() as any_port:
        any_port.bind(("127.0.0.1", 0))
        return any_port.getsockname()[1]


class Proxy:
    """s3proxy over a directory, on a port of 127.0.0.1."""

    def __init__(self, place, name):
        home = place.directory(name)
        (home / "data" / "bucket").mkdir(parents=True)
        self.port = free_port()
        (home / "s3proxy.conf").write_text(
            f"s3proxy.endpoint=http://127.0.0.1:{self.port}\n"
            "s3proxy.authorization=aws-v2-or-v4\ns3proxy.identity=bench\ns3proxy.credential=benchsecret\n"
            "jclouds.provider=filesystem-nio2\njclouds.identity=bench\njclouds.credential=benchsecret\n"
            f"jclouds.filesystem.basedir={home}/data\n")
        (home / "logback.xml").write_text('<configuration><root level="OFF"/></configuration>\n')
        self.process = subprocess.Popen(
            [os.path.join(os.environ["JAVA_HOME"], "bin", "java"), "-Xmx256m", f"-Dlogback.configurationFile={home}/logback.xml",
             "-cp", os.environ["S3PROXY_LIBS"] + "/*", "org.gaul.s3proxy.Main", "--properties", f"{home}/s3proxy.conf"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def await_answer(self):
        end = time.monotonic() + 60
        while time.monotonic() < end:
            try:
                with socket.create_connection(("127.0.0.1", self.port)):
                    return
            except OSError:
                time.sleep(0.05)
        sys.exit("bench: s3proxy did not start within 60 s")

    def stop(self):
        self.process.terminate()
        self.process.wait()


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
        proxies = [Proxy(place, "s3a"), Proxy(place, "s3b")]
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
