"""Runs inside a container: tries system calls and prints the error number of each as JSON.

Each probe runs in a process of its own, so that one can't change what the next one sees.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import socket
import subprocess
import tempfile
import threading
from collections.abc import Callable

NUMBERS = {
    "x86_64": {"clone": 56, "keyctl": 250, "userfaultfd": 323},
    "aarch64": {"clone": 220, "keyctl": 219, "userfaultfd": 282},
}[os.uname().machine] | {"io_uring_setup": 425, "clone3": 435}
CLONE_NEWNS = 0x00020000
CLONE_NEWUSER = 0x10000000
ADDR_NO_RANDOMIZE = 0x0040000
PTRACE_TRACEME = 0
KEYCTL_GET_KEYRING_ID = 0
KEY_SPEC_PROCESS_KEYRING = -2
UFFD_USER_MODE_ONLY = 1
NO_ANSWER = 254

libc = ctypes.CDLL(None, use_errno=True)


def check(result: int) -> int:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


def call(name: str, *arguments: int) -> int:
    return check(libc.syscall(*map(ctypes.c_long, (NUMBERS[name], *arguments))))


def clone(flags: int) -> None:
    if call("clone", flags | signal.SIGCHLD, 0, 0, 0, 0) == 0:
        os._exit(0)


def open_socket(family: int) -> None:
    socket.socket(family, socket.SOCK_SEQPACKET if family == 38 else socket.SOCK_STREAM).close()


def files() -> None:
    with tempfile.NamedTemporaryFile(dir="/tmp") as file:
        os.chmod(file.name, 0o600)
        os.chown(file.name, 1, 1)
        os.utime(file.name)


def threads() -> None:
    done: list[int] = []
    running = [threading.Thread(target=done.append, args=(n,)) for n in range(8)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    if len(done) != 8:
        raise OSError("threads did not run")


def become_another_user() -> None:
    os.setgroups([])
    os.setgid(1)
    os.setuid(1)


PROBES: dict[str, Callable[[], object]] = {
    "unshare user namespace": lambda: check(libc.unshare(CLONE_NEWUSER)),
    "unshare mount namespace": lambda: check(libc.unshare(CLONE_NEWNS)),
    "clone user namespace": lambda: clone(CLONE_NEWUSER),
    "clone3": lambda: call("clone3", 0, 0),
    "mount": lambda: check(libc.mount(b"none", b"/tmp", b"tmpfs", 0, None)),
    "keyctl": lambda: call("keyctl", KEYCTL_GET_KEYRING_ID, KEY_SPEC_PROCESS_KEYRING, 1),
    "io_uring_setup": lambda: call("io_uring_setup", 1, 0),
    "userfaultfd": lambda: call("userfaultfd", UFFD_USER_MODE_ONLY),
    "weaken ASLR": lambda: check(libc.personality(ADDR_NO_RANDOMIZE)),
    "AF_ALG": lambda: open_socket(38),
    "AF_VSOCK": lambda: open_socket(40),
    "AF_INET": lambda: open_socket(socket.AF_INET),
    "AF_UNIX": lambda: open_socket(socket.AF_UNIX),
    "AF_NETLINK": lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW).close(),
    "query personality": lambda: check(libc.personality(ctypes.c_ulong(0xFFFFFFFF))),
    "trace": lambda: check(libc.ptrace(PTRACE_TRACEME, 0, 0, 0)),
    "chroot": lambda: os.chroot("/tmp"),
    "fork": lambda: clone(0),
    "run a program": lambda: subprocess.run(["/bin/sh", "-c", "exit 0"], check=True),
    "files": files,
    "make a directory": lambda: os.mkdir("/tmp/made"),
    "threads": threads,
    "memory file": lambda: os.close(os.memfd_create("probe")),
    "become another user": become_another_user,
}


def attempt(probe: Callable[[], object]) -> int:
    """The error number of one probe, or 0."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        code = 0
        try:
            probe()
        except OSError as error:
            code = error.errno or 255
        finally:
            os.write(writer, bytes([code]))
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as answer:
        told = answer.read(1)
    os.kill(child, signal.SIGKILL)  # one that asked to be traced may have stopped
    os.waitpid(child, 0)
    return told[0] if told else NO_ANSWER


if __name__ == "__main__":
    print(json.dumps({name: attempt(probe) for name, probe in PROBES.items()}))
