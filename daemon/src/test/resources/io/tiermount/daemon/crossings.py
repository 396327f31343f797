"""Techniques to get into a mount, for CrossingsTest: run as somebody, tells what became of each.

crossings.py hold MOUNT SOCKET             as the one who may: opens files, passes them to whoever asks
crossings.py try MOUNT COMMON SOCKET NODE  tries every technique; a line of JSON for each
"""

import array
import ctypes
import errno
import json
import mmap
import os
import socket
import subprocess
import sys
import time

LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNS = 0x00020000
CLONE_NEWUSER = 0x10000000
MS_BIND = 4096
PIDFD_GETFD = 438
PTRACE_SEIZE = 0x4206
AT_EMPTY_PATH = 0x1000
AT_SYMLINK_FOLLOW = 0x400
TOKEN = b"the secret of this scope"


def checked(result):
    if result == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


class FileHandle(ctypes.Structure):
    _fields_ = [("size", ctypes.c_uint), ("type", ctypes.c_int), ("bytes", ctypes.c_ubyte * 128)]


def handle_of(path):
    handle = FileHandle(size=128)
    mount = ctypes.c_int()
    checked(LIBC.name_to_handle_at(-100, path.encode(), ctypes.byref(handle), ctypes.byref(mount), 0))
    return handle


# ---- The one who holds


def hold(mount, name):
    os.chdir(mount + "/open")
    fds = [
        os.open(mount, os.O_PATH),
        os.open(mount + "/secret", os.O_PATH),
        os.open(mount + "/secret", os.O_RDONLY),
        os.open(mount + "/big", os.O_RDWR),
        os.open(mount + "/open", os.O_RDONLY),
    ]
    mapped = mmap.mmap(fds[2], 0, prot=mmap.PROT_READ)
    handle = handle_of(mount + "/secret")
    told = json.dumps({
        "pid": os.getpid(),
        "fds": fds,
        "address": id(mapped),
        "handle": [handle.size, handle.type, list(handle.bytes[: handle.size])],
    }).encode()
    inside = socket.socket(socket.AF_UNIX)
    if os.path.lexists(mount + "/open/socket"):
        os.unlink(mount + "/open/socket")
    inside.bind(mount + "/open/socket")
    inside.listen(8)
    server = socket.socket(socket.AF_UNIX)
    server.bind(name)
    os.chmod(name, 0o777)
    server.listen(64)
    while True:
        client, _ = server.accept()
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))]
        client.sendmsg([told], rights)
        client.close()


def held(name):
    end = time.monotonic() + 50
    while True:
        client = socket.socket(socket.AF_UNIX)
        try:
            client.connect(name)
            break
        except (FileNotFoundError, ConnectionRefusedError, PermissionError):
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
    told, rights, _, _ = client.recvmsg(65536, socket.CMSG_SPACE(5 * 4))
    fds = array.array("i")
    fds.frombytes(rights[0][2][: 5 * 4])
    return json.loads(told), list(fds)


# ---- The techniques


def read(path, dir_fd=None):
    fd = os.open(path, os.O_RDONLY, dir_fd=dir_fd)
    try:
        data = os.read(fd, 4096)
    finally:
        os.close(fd)
    if not data:
        raise RuntimeError("nothing in " + path)
    return data


def write(path, flags=os.O_WRONLY, dir_fd=None):
    fd = os.open(path, flags, 0o666, dir_fd=dir_fd)
    os.close(fd)
    return "opened"


def in_child(action):
    """In a process of its own, since it changes what the process is."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            result = {"ok": repr(action())}
        except OSError as e:
            result = {"errno": e.errno}
        except BaseException as e:  # told to the parent, which fails the test
            result = {"broken": repr(e)}
        os.write(writer, json.dumps(result).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        result = json.loads(pipe.read())
    os.waitpid(pid, 0)
    if "errno" in result:
        raise OSError(result["errno"], os.strerror(result["errno"]))
    if "broken" in result:
        raise RuntimeError(result["broken"])
    return result["ok"]


def namespaces(inside):
    """Root in a user namespace of one's own, seen from inside as this number."""
    uid, gid = os.getuid(), os.getgid()
    checked(LIBC.unshare(CLONE_NEWUSER | CLONE_NEWNS))
    with open("/proc/self/setgroups", "w") as file:
        file.write("deny")
    with open("/proc/self/uid_map", "w") as file:
        file.write("%d %d 1" % (inside, uid))
    with open("/proc/self/gid_map", "w") as file:
        file.write("%d %d 1" % (inside, gid))


def bind(source, target):
    os.makedirs(target, exist_ok=True)
    checked(LIBC.mount(source.encode(), target.encode(), None, MS_BIND, None))


def techniques(mount, common, node, told, fds):
    secret, inner = mount + "/secret", mount + "/open/inner"
    pid = told["pid"]
    root_path, secret_path, secret_read, big, open_dir = fds
    mine = common + "/of-%d-%d" % (os.getuid(), os.getpid())
    os.makedirs(mine)
    with open(mine + "/file", "w") as file:
        file.write("mine")
    tmp = "/tmp/tiermount-crossing-%d-%d" % (os.getuid(), os.getpid())
    os.makedirs(tmp)

    def at(path, name, action):
        os.symlink(name, path)
        try:
            return action(path)
        except FileNotFoundError as e:
            raise RuntimeError([os.readlink(path), os.lstat(path), os.path.exists(mount), name]) from e

    def chdir(path):
        os.chdir(path)
        try:
            return read("secret")
        finally:
            os.chdir("/")

    def shell(line):
        done = subprocess.run(["sh", "-c", line], capture_output=True)
        if done.returncode != 0:
            raise PermissionError(errno.EACCES, done.stderr.decode())
        return done.stdout

    def by_handle():
        size, kind, data = told["handle"]
        handle = FileHandle(size=size, type=kind)
        handle.bytes[:size] = data
        fd = checked(LIBC.open_by_handle_at(open_dir, ctypes.byref(handle), os.O_RDONLY))
        return os.read(fd, 100)

    def getfd():
        pidfd = os.pidfd_open(pid)
        fd = checked(LIBC.syscall(PIDFD_GETFD, pidfd, told["fds"][2], 0))
        return os.read(fd, 100)

    def become(action):
        def changed():
            action()
            return read(secret)
        return in_child(changed)

    def namespaced(inside, action):
        def changed():
            namespaces(inside)
            return action()
        return in_child(changed)

    def bound():
        bind(mount + "/open", tmp + "/bound")
        return read(tmp + "/bound/inner")

    def overlaid():
        for name in ("u", "w", "m"):
            os.makedirs(tmp + "/" + name)
        data = "lowerdir=%s,upperdir=%s/u,workdir=%s/w,userxattr" % (mount, tmp, tmp)
        checked(LIBC.mount(b"overlay", (tmp + "/m").encode(), b"overlay", 0, data.encode()))
        return read(tmp + "/m/secret")

    def connected(path):
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(20)
        client.connect(path)
        return "connected"

    def run_by_admin_socket():
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(20)
        sockets = [name for name in os.listdir(node + "/run") if name.endswith(".sock")]
        client.connect(node + "/run/" + sockets[0])
        client.sendall(b"GET /v1/status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        answer = client.recv(4096)
        if b" 200 " not in answer:
            raise PermissionError(errno.EACCES, answer)
        return answer

    def vm_read():
        class Vec(ctypes.Structure):
            _fields_ = [("base", ctypes.c_void_p), ("size", ctypes.c_size_t)]
        into = ctypes.create_string_buffer(1)
        here = Vec(ctypes.addressof(into), 1)
        there = Vec(told["address"], 1)
        checked(LIBC.process_vm_readv(pid, ctypes.byref(here), 1, ctypes.byref(there), 1, 0))
        return into.raw

    def mapped_for_writing(fd):
        area = mmap.mmap(fd, 0, prot=mmap.PROT_READ | mmap.PROT_WRITE)
        area.close()
        return "mapped"

    me = "/proc/self/fd/"
    them = "/proc/%d/" % pid
    up = os.path.relpath(mount, mine)
    return {
        # Plain paths, to what its owner has just read: names, attributes and pages are warm.
        "read": lambda: read(secret),
        "read_inner": lambda: read(inner),
        "read_cached": lambda: read(mount + "/big"),
        "write": lambda: write(secret),
        "append": lambda: write(secret, os.O_WRONLY | os.O_APPEND),
        "open_path": lambda: os.open(secret, os.O_PATH),
        "truncate": lambda: os.truncate(mount + "/victim", 0),
        "stat": lambda: os.stat(secret).st_size,
        "lstat_link": lambda: os.lstat(mount + "/link").st_size,
        "stat_inner": lambda: os.stat(inner).st_size,
        "access": lambda: os.access(secret, os.F_OK) or read(secret),
        "list": lambda: os.listdir(mount),
        "list_inner": lambda: os.listdir(mount + "/open"),
        "readlink": lambda: os.readlink(mount + "/link"),
        "chdir": lambda: chdir(mount),
        "execute": lambda: subprocess.run([mount + "/script"], check=True),
        "create": lambda: write(mount + "/new", os.O_WRONLY | os.O_CREAT | os.O_EXCL),
        "create_inner": lambda: write(mount + "/open/new", os.O_WRONLY | os.O_CREAT | os.O_EXCL),
        "mkdir": lambda: os.mkdir(mount + "/open/dir"),
        "mkfifo": lambda: os.mkfifo(mount + "/open/fifo"),
        "symlink_into": lambda: os.symlink("x", mount + "/open/link"),
        "unlink": lambda: os.unlink(mount + "/open/unlinked"),
        "rmdir": lambda: os.rmdir(mount + "/open/removed"),
        "rename_within": lambda: os.rename(mount + "/open/renamed", mount + "/open/moved"),
        "rename_out": lambda: os.rename(mount + "/open/inner", mine + "/taken"),
        "rename_in": lambda: os.rename(mine + "/file", mount + "/open/given"),
        "link_within": lambda: os.link(secret, mount + "/open/linked"),
        "link_out": lambda: os.link(secret, mine + "/linked"),
        "link_in": lambda: os.link(mine + "/file", mount + "/open/linked"),
        "chmod": lambda: os.chmod(mount + "/victim", 0o777),
        "chown": lambda: os.chown(mount + "/victim", os.getuid(), os.getgid()),
        "utime": lambda: os.utime(mount + "/victim"),
        "chmod_root": lambda: os.chmod(mount, 0o777),
        "getxattr": lambda: os.getxattr(secret, "user.x"),
        "listxattr": lambda: os.listxattr(secret),
        "setxattr": lambda: os.setxattr(secret, "user.x", b"1"),
        "removexattr": lambda: os.removexattr(secret, "user.x"),
        "set_acl": lambda: os.setxattr(
            mount, "system.posix_acl_access", bytes.fromhex("02000000")),
        # Ways round the path.
        "dotdot_inside": lambda: read(mount + "/open/../secret"),
        "dotdot_from_common": lambda: read(mine + "/" + up + "/secret"),
        "symlink_from_common": lambda: at(mine + "/s", secret, read),
        "symlink_dir_from_common": lambda: at(mine + "/d", mount, lambda p: read(p + "/secret")),
        "symlink_from_tmp": lambda: at(tmp + "/s", inner, read),
        "symlink_list": lambda: at(mine + "/l", mount, os.listdir),
        # What another process has open.
        "proc_fd": lambda: read(them + "fd/%d" % told["fds"][2]),
        "proc_fd_path": lambda: read(them + "fd/%d" % told["fds"][1]),
        "proc_fd_dir": lambda: read(them + "fd/%d/inner" % told["fds"][4]),
        "proc_cwd": lambda: read(them + "cwd/inner"),
        "proc_root": lambda: read(them + "root" + secret),
        "proc_task_fd": lambda: read(them + "task/%d/fd/%d" % (pid, told["fds"][2])),
        "proc_map_files": lambda: os.listdir(them + "map_files"),
        "proc_mem": lambda: os.open(them + "mem", os.O_RDONLY),
        "pidfd_getfd": getfd,
        "ptrace": lambda: in_child(lambda: checked(LIBC.ptrace(PTRACE_SEIZE, pid, None, None))),
        "vm_read": vm_read,
        "open_by_handle": by_handle,
        "handle_of": lambda: handle_of(secret).size,
        # What was passed on: a right to read is one, opening again is not.
        "passed_root": lambda: read("secret", dir_fd=root_path),
        "passed_root_list": lambda: os.listdir(os.open(".", os.O_RDONLY, dir_fd=root_path)),
        "passed_path_reopened": lambda: read(me + str(secret_path)),
        "passed_read_reopened": lambda: read(me + str(secret_read)),
        "passed_read_reopened_to_write": lambda: write(me + str(secret_read)),
        "passed_cached_reopened": lambda: read(me + str(big)),
        "passed_cached_truncated": lambda: os.ftruncate(big, 1 << 20),
        "passed_cached_allocated": lambda: os.posix_fallocate(big, 0, 4096),
        "passed_mapped_to_write": lambda: mapped_for_writing(secret_read),
        "passed_chmod": lambda: os.fchmod(secret_read, 0o666),
        "passed_chown": lambda: os.fchown(secret_read, os.getuid(), os.getgid()),
        "passed_utime": lambda: os.utime(secret_read),
        "passed_setxattr": lambda: os.setxattr(secret_read, "user.x", b"1"),
        "passed_linked": lambda: checked(LIBC.linkat(
            -100, (me + str(secret_read)).encode(), open_dir, b"via-proc", AT_SYMLINK_FOLLOW)),
        "passed_dir_read": lambda: read("inner", dir_fd=open_dir),
        "passed_dir_create": lambda: write("n", os.O_WRONLY | os.O_CREAT | os.O_EXCL, open_dir),
        "passed_dir_mkdir": lambda: os.mkdir("by-passed", dir_fd=open_dir),
        "passed_dir_symlink": lambda: os.symlink("x", "by-passed-link", dir_fd=open_dir),
        "passed_dir_unlink": lambda: os.unlink("unlinked2", dir_fd=open_dir),
        "passed_dir_rename": lambda: os.rename(
            "renamed2", "moved2", src_dir_fd=open_dir, dst_dir_fd=open_dir),
        "passed_dir_reopened": lambda: os.listdir(me + str(open_dir)),
        "passed_dir_up": lambda: read("../secret", dir_fd=open_dir),
        "passed_dir_entered": lambda: in_child(lambda: (os.fchdir(open_dir), read("inner"))),
        # Becoming somebody else.
        "setuid": lambda: become(lambda: os.setuid(2001)),
        "setgroups": lambda: become(lambda: os.setgroups([2001, 3000])),
        "setgid": lambda: become(lambda: os.setgid(3000)),
        "fsuid": lambda: become(lambda: LIBC.setfsuid(2001)),
        "set_id_binary": lambda: shell(common + "/set-id/cat " + secret),
        "set_gid_binary": lambda: shell(common + "/set-id/gcat " + secret),
        "set_id_binary_inside": lambda: shell(mount + "/cat " + secret),
        # Namespaces of one's own.
        "user_namespace": lambda: namespaced(0, lambda: read(secret)),
        "user_namespace_as_owner": lambda: namespaced(2001, lambda: read(secret)),
        "user_namespace_stored_owner": lambda: namespaced(500, lambda: read(secret)),
        "user_namespace_list": lambda: namespaced(0, lambda: os.listdir(mount)),
        "mount_namespace_bind": lambda: namespaced(0, bound),
        "mount_namespace_overlay": lambda: namespaced(0, overlaid),
        "user_namespace_handle": lambda: namespaced(0, by_handle),
        "user_namespace_passed": lambda: namespaced(0, lambda: read("inner", dir_fd=open_dir)),
        # The daemon.
        "cache_list": lambda: os.listdir(node + "/cache"),
        "cache_data": lambda: os.listdir(node + "/cache/data"),
        "cache_staging": lambda: os.listdir(node + "/cache/staging"),
        "cache_state": lambda: os.listdir(node + "/cache/state"),
        "bucket": lambda: os.listdir(node + "/buckets"),
        "admin_socket": run_by_admin_socket,
        "daemon_fd": lambda: os.listdir("/proc/%s/fd" % os.environ["DAEMON"]),
        "daemon_mem": lambda: os.open("/proc/%s/mem" % os.environ["DAEMON"], os.O_RDONLY),
        "unmount": lambda: checked(LIBC.umount2(mount.encode(), 2)),
        "mount_over": lambda: checked(
            LIBC.mount(tmp.encode(), mount.encode(), None, MS_BIND, None)),
        "their_socket": lambda: connected(mount + "/open/socket"),
    }


def attempt(name, action):
    try:
        return [name, "succeeded", repr(action())[:80]]
    except subprocess.CalledProcessError as e:
        return [name, "refused", "exit %d" % e.returncode]
    except OSError as e:
        return [name, "refused", errno.errorcode.get(e.errno, str(e.errno))]
    except BaseException as e:
        return [name, "broken", repr(e)]


def main():
    if sys.argv[1] == "hold":
        hold(sys.argv[2], sys.argv[3])
    mount, common, name, node = sys.argv[2:6]
    told, fds = held(name)
    for technique, action in techniques(mount, common, node, told, fds).items():
        print(json.dumps(attempt(technique, action)), flush=True)


main()
