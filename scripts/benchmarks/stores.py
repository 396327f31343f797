"""S3 servers for the benchmarks: on 127.0.0.1, or behind a shaped link in a network namespace of their own."""

import os
import shutil
import socket
import subprocess
import sys
import time

import common

KEY, SECRET = "bench", "benchsecret"
BUCKET = "bucket"


def free_port():
    with socket.socket() as any_port:
        any_port.bind(("127.0.0.1", 0))
        return any_port.getsockname()[1]


class Proxy:
    """s3proxy over a directory: on a port of 127.0.0.1, or at a link's far end."""

    def __init__(self, home, link=None):
        self.data = home / "data" / BUCKET
        self.data.mkdir(parents=True)
        self.host = link.far if link else "127.0.0.1"
        self.port = free_port()
        self.endpoint = f"http://{self.host}:{self.port}"
        (home / "s3proxy.conf").write_text(
            f"s3proxy.endpoint={self.endpoint}\n"
            f"s3proxy.authorization=aws-v2-or-v4\ns3proxy.identity={KEY}\ns3proxy.credential={SECRET}\n"
            f"jclouds.provider=filesystem-nio2\njclouds.identity={KEY}\njclouds.credential={SECRET}\n"
            f"jclouds.filesystem.basedir={home}/data\n")
        (home / "logback.xml").write_text('<configuration><root level="OFF"/></configuration>\n')
        self.process = subprocess.Popen(
            [*(link.inside() if link else []), os.path.join(os.environ["JAVA_HOME"], "bin", "java"), "-Xmx512m",
             f"-Dlogback.configurationFile={home}/logback.xml",
             "-cp", os.environ["S3PROXY_LIBS"] + "/*", "org.gaul.s3proxy.Main", "--properties", f"{home}/s3proxy.conf"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def await_answer(self):
        end = time.monotonic() + 60
        while time.monotonic() < end and self.process.poll() is None:
            try:
                with socket.create_connection((self.host, self.port), timeout=5):
                    return
            except OSError:
                time.sleep(0.05)
        sys.exit("bench: s3proxy did not start within 60 s")

    def stop(self):
        common.stop(self.process)


class Link:
    """A veth pair into a network namespace: so many MiB/s each way (tbf), answers so many milliseconds late.

    The delay is sch_netem's where the kernel has it. Otherwise what the far side sends goes through delay.c. Needs root;
    why_not says what is missing.
    """

    MTU = 65000

    def __init__(self, tools, mebibytes, milliseconds):
        number = os.getpid() % 60_000
        self.name = f"tmbench-{number}"
        self.near_device, self.far_device, self.tun = f"tmb{number}n", f"tmb{number}f", f"tmb{number}d"
        net = f"10.231.{number % 250}"
        self.near, self.far = f"{net}.1", f"{net}.2"
        self.tools, self.mebibytes, self.milliseconds = tools, mebibytes, milliseconds
        self.delayer = None

    @staticmethod
    def why_not():
        if os.geteuid() != 0:
            return "needs root"
        for program in ("ip", "tc"):
            if shutil.which(program) is None:
                return f"no {program}: install iproute2"
        return None

    def inside(self):
        return ["ip", "netns", "exec", self.name]

    def _do(self, line, inside=False):
        done = subprocess.run([*(self.inside() if inside else []), *line.split()], capture_output=True, text=True, check=False,
                              timeout=30)
        if done.returncode != 0:
            raise OSError(f"{line}: {done.stderr.strip()}")

    def __enter__(self):
        try:
            self._make()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _make(self):
        rate = f"rate {self.mebibytes * 8 * 1048576}bit burst 2mb latency 200ms"
        self._do(f"ip netns add {self.name}")
        self._do(f"ip link add {self.near_device} mtu {self.MTU} type veth peer name {self.far_device} mtu {self.MTU} netns {self.name}")
        self._do(f"ip addr add {self.near}/30 dev {self.near_device}")
        self._do(f"ip link set {self.near_device} up")
        self._do(f"ip addr add {self.far}/30 dev {self.far_device}", inside=True)
        self._do(f"ip link set {self.far_device} up", inside=True)
        self._do("ip link set lo up", inside=True)
        self._do(f"tc qdisc add dev {self.near_device} root {'tbf ' + rate}")
        try:
            self._do(f"tc qdisc add dev {self.far_device} root handle 1: netem delay {self.milliseconds}ms limit 100000", inside=True)
            self._do(f"tc qdisc add dev {self.far_device} parent 1:1 handle 10: tbf {rate}", inside=True)
            self.delayed_by = "sch_netem"
        except OSError:
            self._do(f"tc qdisc replace dev {self.far_device} root tbf {rate}", inside=True)
            self._delay()
            self.delayed_by = "delay.c"

    def _delay(self):
        self.delayer = subprocess.Popen(
            [*self.inside(), str(self.tools / "delay"), self.tun, self.far_device, str(self.milliseconds)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if self.delayer.stdout.readline() != "ready\n":
            raise OSError(f"delay.c: {self.delayer.stderr.read().strip()}")
        self._do(f"ip link set {self.tun} mtu {self.MTU} up", inside=True)
        # More specific than the veth's own /30, so that answers take it; delay.c is bound to the veth.
        self._do(f"ip route add {self.near}/32 dev {self.tun} src {self.far}", inside=True)

    def __exit__(self, *_):
        if self.delayer:
            common.stop(self.delayer)
        for command in (["ip", "link", "del", self.near_device], ["ip", "netns", "del", self.name]):
            subprocess.run(command, stderr=subprocess.DEVNULL, check=False, timeout=30)
