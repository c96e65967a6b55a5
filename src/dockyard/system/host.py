"""Facts about this host and its processes, read from ``/proc``."""

from __future__ import annotations

import contextlib
import errno
import os
import select
import signal
from collections.abc import Collection, Iterable

import msgspec

from dockyard.errors import PermissionMissing

_BOOT_ID = "/proc/sys/kernel/random/boot_id"


class ProcessIdentity(msgspec.Struct, frozen=True):
    """A process that can't be mistaken for a later one with the same number.

    ``start`` is in clock ticks since boot (field 22 of ``/proc/PID/stat``); ``boot`` is the
    kernel's boot id.
    """

    pid: int
    start: int
    boot: str

    def alive(self) -> bool:
        """True while this very process exists and is no zombie."""
        if self.boot != boot_id():
            return False
        state = process_state(self.pid)
        return state is not None and state[1] == self.start and state[0] not in "ZX"

    def signal(self, number: int) -> None:
        """Signals exactly this process; one that is gone gets nothing, and nobody else does."""
        with contextlib.suppress(ProcessLookupError):
            descriptor = os.pidfd_open(self.pid)
            try:
                if self.alive():
                    signal.pidfd_send_signal(descriptor, number)
            finally:
                os.close(descriptor)

    def open_namespace(self, kind: str) -> int:
        """A descriptor of the namespace of that kind (``net``, ``pid``, ``ipc``) it lives in.

        Raises:
            ProcessLookupError: the process is gone; another's namespace is never opened.
        """
        try:
            descriptor = os.open(f"/proc/{self.pid}/ns/{kind}", os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError as error:
            raise ProcessLookupError(errno.ESRCH, f"process {self.pid} is gone") from error
        if self.alive():  # so the number was still its own
            return descriptor
        os.close(descriptor)
        raise ProcessLookupError(errno.ESRCH, f"process {self.pid} is gone")

    def wait(self, seconds: float | None = None) -> bool:
        """Waits until this process is gone; False where it still lives after ``seconds``."""
        if not self.alive():
            return True
        try:
            descriptor = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return True
        try:
            if not self.alive():  # the number may have a new owner
                return True
            return bool(select.select([descriptor], [], [], seconds)[0])
        finally:
            os.close(descriptor)


def boot_id() -> str:
    """The random id of this boot."""
    with open(_BOOT_ID, encoding="ascii") as stream:
        return stream.read().strip()


def identify(pid: int) -> ProcessIdentity | None:
    """The identity of a living process, or ``None`` where it is gone."""
    state = process_state(pid)
    return None if state is None else ProcessIdentity(pid, state[1], boot_id())


def process_state(pid: int) -> tuple[str, int] | None:
    """State letter and start time (clock ticks) of a process; ``None`` where it is gone."""
    fields = _stat(pid)
    return None if fields is None else (fields[0].decode(), int(fields[19]))


def _stat(pid: int) -> list[bytes] | None:
    """The fields of ``/proc/PID/stat`` after the program's name."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as stream:
            return stream.read().rpartition(b")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None


def session_members(leaders: Collection[int], among: Iterable[int]) -> tuple[ProcessIdentity, ...]:
    """Living processes that are in the session of one of the leaders, or descend from it.

    Args:
        among: the processes to look at.
    """
    boot = boot_id()
    family = set(leaders)
    found: dict[int, tuple[int, int, int]] = {}
    for pid in among:
        fields = _stat(pid)
        if fields is not None and fields[0] not in {b"Z", b"X"}:
            found[pid] = (int(fields[1]), int(fields[3]), int(fields[19]))
    for _ in found:  # a child may come before its parent
        family |= {pid for pid, (parent, session, _) in found.items()
                   if parent in family or session in leaders}  # fmt: skip
    return tuple(ProcessIdentity(pid, found[pid][2], boot) for pid in family & found.keys())


def with_argument(argument: str) -> tuple[ProcessIdentity, ...]:
    """Living processes that name this path, or one below, on their command line; not this one."""
    wanted = os.fsencode(argument)
    found = []
    for name in os.listdir("/proc"):
        if not name.isdecimal() or int(name) == os.getpid():
            continue
        try:
            with open(f"/proc/{name}/cmdline", "rb") as stream:
                words = stream.read().split(b"\0")
        except (FileNotFoundError, ProcessLookupError):
            continue
        named = any(word == wanted or word.startswith(wanted + b"/") for word in words)
        identity = identify(int(name)) if named else None
        if identity is not None:
            found.append(identity)
    return tuple(found)


def capability_bounds() -> int:
    """The bounding set of this process as a bit mask: what it may ever grant."""
    with open("/proc/self/status", encoding="ascii", errors="replace") as stream:
        for line in stream:
            if line.startswith("CapBnd:"):
                return int(line.split()[1], 16)
    return 0


def architecture() -> str:
    """This machine in OCI's words: ``amd64``, ``arm64``, ..."""
    machine = os.uname().machine
    known = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "i686": "386"}
    return known.get(machine, machine)


def kernel_version() -> tuple[int, int]:
    """Major and minor number of the running kernel."""
    major, minor = os.uname().release.split(".")[:2]
    return int(major), int("".join(c for c in minor if c.isdigit()) or "0")


def memory_bytes() -> int:
    """Physical memory of the host in bytes."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def cpu_count() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0))


def require_root(what: str, *, exit_code: int = 1) -> None:
    """Raises :class:`PermissionMissing` for an ordinary user.

    Args:
        what: the act, such as ``running a container``.
        exit_code: of the command that fails for it.
    """
    if os.geteuid() != 0:
        raise PermissionMissing(
            f"{what} needs root",
            hint="run the command with sudo; running without root comes with a later version",
            reference="not-root",
            exit_code=exit_code,
        )


def has_swap() -> bool:
    """True where the host swaps, so that a memory limit has to bound that too."""
    try:
        with open("/proc/swaps", encoding="utf-8", errors="replace") as stream:
            return len(stream.read().splitlines()) > 1
    except FileNotFoundError:
        return False


def online_cpus() -> str:
    """The host's processors as a list such as ``0-3``; empty where unknown."""
    return _line("/sys/devices/system/cpu/online")


def memory_nodes() -> str:
    """The host's memory nodes as a list such as ``0-1``."""
    return _line("/sys/devices/system/node/online") or "0"


def apparmor_profiles() -> frozenset[str] | None:
    """The AppArmor profiles that are loaded; ``None`` where the kernel doesn't use AppArmor."""
    if _line("/sys/module/apparmor/parameters/enabled") != "Y":
        return None
    try:
        with open("/sys/kernel/security/apparmor/profiles", encoding="utf-8") as stream:
            return frozenset(line.rpartition(" (")[0] for line in stream)
    except OSError:
        return frozenset()


def has_selinux() -> bool:
    """True where SELinux is enabled, enforcing or not."""
    return os.path.exists("/sys/fs/selinux/enforce")


def _line(path: str) -> str:
    try:
        with open(path, encoding="ascii", errors="replace") as stream:
            return stream.readline().strip()
    except OSError:
        return ""
