"""systemd's part in a restart (sd_notify(3), sd_listen_fds(3)): runs a service, keeps its descriptors, starts it again.

    descriptor-store.py SOCKET COMMAND…

Prints what the service says and what happens, a line each; ends when the service ended with 0.
"""

import array
import fcntl
import os
import socket
import sys

FIRST = 3


def start(command, address, store):
    pid = os.fork()
    if pid:
        print("started", pid, flush=True)
        return pid
    names = list(store)
    high = [fcntl.fcntl(store[name], fcntl.F_DUPFD, 500) for name in names]
    for place, fd in enumerate(high):
        os.dup2(fd, FIRST + place)
    os.closerange(FIRST + len(high), 1000)
    environment = {**os.environ, "NOTIFY_SOCKET": address, "TIERMOUNT_KEEPER": "systemd"}
    if names:
        environment.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(names)), LISTEN_FDNAMES=":".join(names))
    os.execvpe(command[0], command, environment)


def hear(listener, store):
    text, control, _, _ = listener.recvmsg(65536, socket.CMSG_SPACE(4 * 16))
    fds = array.array("i")
    for level, kind, data in control:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            fds.frombytes(data[: len(data) - len(data) % 4])
    lines = text.decode().split("\n")
    name = next((line[len("FDNAME="):] for line in lines if line.startswith("FDNAME=")), "stored")
    if "FDSTORE=1" in lines:
        store[name] = fds[0]
        print("stored", name, flush=True)
    elif "FDSTOREREMOVE=1" in lines:
        os.close(store.pop(name))
        print("removed", name, "left", len(store), flush=True)
    else:
        for line in lines:
            print(line, flush=True)


def main():
    address, command = sys.argv[1], sys.argv[2:]
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listener.bind(address)
    listener.settimeout(0.05)
    store = {}
    pid = start(command, address, store)
    while True:
        try:
            hear(listener, store)
            continue
        except TimeoutError:
            pass
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            code = os.waitstatus_to_exitcode(status)
            print("ended", code, flush=True)
            if code == 0:
                return
            pid = start(command, address, store)


main()
