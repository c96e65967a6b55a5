"""Sections 1 to 3 of the benchmark: the host and the engine's own files. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from dockyard.audit.model import ANYWHERE, Finding, HostFacts, Level

_OTHERS = 0o077
SYSCTLS = {
    "kernel.unprivileged_bpf_disabled": (("1", "2"), "unprivileged programs may use BPF"),
    "kernel.dmesg_restrict": (("1",), "every process may read the kernel's messages"),
    "kernel.kptr_restrict": (("1", "2"), "every process may see the kernel's addresses"),
    "fs.protected_hardlinks": (("1",), "hard links to others' files are allowed"),
    "fs.protected_symlinks": (("1",), "symbolic links in shared directories are followed"),
    "net.ipv4.conf.all.accept_redirects": (("0",), "ICMP redirects are taken"),
}
"""Settings of the kernel that containers lean on: values that are right, and what is wrong."""
_LIMITED = ("memory", "cpu", "pids")


def findings(facts: HostFacts) -> list[Finding]:
    """What to mend in the host and in how Dockyard is set up."""
    rules = (_place, _files, _kernel, _engine)
    return [finding for rule in rules for finding in rule(facts)]


def _finding(subject: str, rule: str, level: Level, message: str, mend: str) -> Finding:
    return Finding(rule=rule, level=level, kind="host", subject=subject, message=message, mend=mend)


def _place(facts: HostFacts) -> Iterator[Finding]:
    if not facts.own_filesystem:
        yield _finding("root directory", "1.1.1", "low", "it shares its filesystem with the system,"
                       " which images and logs can fill",
                       "mount a filesystem of its own there, or set DOCKYARD_ROOT")  # fmt: skip


def _files(facts: HostFacts) -> Iterator[Finding]:
    for file in facts.files:
        if file.owner != 0:
            yield _finding(file.path, "3.1", "high", f"it belongs to user {file.owner}",
                           f"chown root:root {file.path}")  # fmt: skip
        if file.mode & _OTHERS:
            yield _finding(file.path, "3.2", "high", f"others may use it (mode {file.mode:04o})",
                           f"chmod go= {file.path}")  # fmt: skip


def _kernel(facts: HostFacts) -> Iterator[Finding]:
    if not facts.seccomp:
        yield _finding("kernel", "2.16", "high", "it has no seccomp filters",
                       "run a kernel with CONFIG_SECCOMP_FILTER")  # fmt: skip
    for name, (right, message) in SYSCTLS.items():
        value = facts.sysctls.get(name)
        if value is not None and value not in right:
            yield _finding("kernel", "1.1.2", "low", f"{message} ({name}={value})",
                           f"sysctl -w {name}={right[0]}, and in /etc/sysctl.d")  # fmt: skip
    lacking = [name for name in _LIMITED if name not in facts.controllers]
    if lacking:
        yield _finding("cgroups", "5.11", "medium", f"no limits can be set for {' '.join(lacking)}",
                       "enable these cgroup controllers at boot")  # fmt: skip


def _engine(facts: HostFacts) -> Iterator[Finding]:
    if facts.publish_address in ANYWHERE:
        yield _finding("configuration", "5.14", "low", "ports are published on every address unless"
                       " -p names one", "set DOCKYARD_PUBLISH_ADDRESS=127.0.0.1")  # fmt: skip
