"""The default seccomp profile, enforced by the real OCI runtimes on this kernel.

The containers hold the host's Python, bound read-only, which tries the calls. They run with
CAP_SYS_ADMIN while the profile is the one for containers without it, so that what is refused is
refused by the profile; the same container without a profile shows that it would work.
"""

from __future__ import annotations

import errno
import json
import os
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dockyard.security.capabilities import DEFAULT_RUN, grantable
from dockyard.security.seccomp import default_profile, load_profile
from dockyard.system import cgroups, host

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="containers need root here")

PROBE = Path(__file__).parents[1] / "data" / "seccomp" / "probe.py"

REFUSED = {
    "unshare user namespace",
    "unshare mount namespace",
    "clone user namespace",
    "mount",
    "keyctl",
    "io_uring_setup",
    "userfaultfd",
    "weaken ASLR",
    "AF_ALG",
    "AF_VSOCK",
}
ORDINARY = {
    "AF_INET",
    "AF_UNIX",
    "AF_NETLINK",
    "query personality",
    "trace",
    "chroot",
    "fork",
    "run a program",
    "files",
    "make a directory",
    "threads",
    "memory file",
    "become another user",
}

Profile = dict[str, object] | None
Try = Callable[[Profile], dict[str, int]]


def mounts() -> list[dict[str, Any]]:
    """The programs of the host, and what a Python needs beside them."""
    shown = {"/bin", "/lib", "/lib64", "/usr", sys.base_prefix, str(PROBE.parent)}
    readonly = {"type": "bind", "options": ["rbind", "ro"]}
    return [
        {"destination": "/proc", "type": "proc", "source": "proc"},
        {"destination": "/dev", "type": "tmpfs", "source": "tmpfs"},
        {"destination": "/tmp", "type": "tmpfs", "source": "tmpfs"},
        *(
            {"destination": path, "source": os.path.realpath(path), **readonly}
            for path in sorted(shown)
            if os.path.isdir(path)
        ),
    ]


def specification(root: str, cgroup: str, profile: Profile) -> dict[str, Any]:
    wanted = (*DEFAULT_RUN, "CAP_SYS_ADMIN")
    capabilities = grantable(wanted, (), host.capability_bounds())
    python = os.path.join(sys.base_prefix, "bin", f"python3.{sys.version_info.minor}")
    linux: dict[str, Any] = {
        "cgroupsPath": cgroup,
        "namespaces": [{"type": kind} for kind in ("pid", "mount", "ipc", "uts", "network")],
    }
    if profile is not None:
        linux["seccomp"] = profile
    return {
        "ociVersion": "1.0.2",
        "root": {"path": root},
        "mounts": mounts(),
        "process": {
            "args": [python, "-I", str(PROBE)],
            "cwd": "/",
            "env": ["PATH=/usr/bin:/bin"],
            "user": {"uid": 0, "gid": 0},
            "noNewPrivileges": True,
            "capabilities": {
                kind: list(capabilities) for kind in ("bounding", "effective", "permitted")
            },
        },
        "linux": linux,
    }


@pytest.fixture(params=["crun", "runc"])
def probe(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Try]:
    """Runs the probe under one runtime with a profile; error numbers by what was tried."""
    runtime = request.param
    layout = cgroups.read_layout()
    name = f"seccomp-{secrets.token_hex(4)}"
    cgroup = f"/dockyard-test{secrets.token_hex(4)}/{name}"

    def run(profile: Profile) -> dict[str, int]:
        (tmp_path / "root").mkdir(exist_ok=True)
        config = specification(str(tmp_path / "root"), cgroup, profile)
        (tmp_path / "config.json").write_text(json.dumps(config))
        try:
            done = subprocess.run(
                [runtime, "run", "--bundle", str(tmp_path), name],
                capture_output=True,
                text=True,
                timeout=60,
            )
        except FileNotFoundError:
            pytest.skip(f"{runtime} is not installed")
        if "hybrid mode not supported" in done.stderr:
            pytest.skip(f"{runtime} refuses this host's cgroups")
        assert done.returncode == 0, done.stderr
        answers: dict[str, int] = json.loads(done.stdout)
        return answers

    yield run
    subprocess.run([runtime, "delete", "--force", name], capture_output=True)
    assert cgroups.remove(layout, cgroup) == ()


def test_the_default_profile_refuses_ways_out_and_allows_ordinary_work(probe: Try) -> None:
    profile = default_profile(DEFAULT_RUN, host.architecture(), host.kernel_version())
    answers = probe(profile)
    assert {name for name, code in answers.items() if code == errno.EPERM} == REFUSED
    assert {name for name, code in answers.items() if code == 0} == ORDINARY
    assert answers["clone3"] == errno.ENOSYS


def test_without_a_profile_none_of_it_is_refused(probe: Try) -> None:
    answers = probe(None)
    assert {name for name, code in answers.items() if code == errno.EPERM} == set()
    assert answers["clone3"] == errno.EINVAL


def test_a_profile_of_the_users_is_enforced(probe: Try) -> None:
    text = json.dumps(
        {
            "defaultAction": "SCMP_ACT_ALLOW",
            "archMap": [{"architecture": "SCMP_ARCH_X86_64", "subArchitectures": []}],
            "syscalls": [
                {"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 95},
                {
                    "names": ["chroot"],
                    "action": "SCMP_ACT_ERRNO",
                    "excludes": {"caps": ["CAP_SYS_CHROOT"]},
                },
            ],
        }
    )
    answers = probe(load_profile(text, DEFAULT_RUN, host.architecture(), host.kernel_version()))
    assert answers["make a directory"] == errno.EOPNOTSUPP
    assert answers["chroot"] == 0
