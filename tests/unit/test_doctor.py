"""Judgements of ``dockyard doctor``, on facts of hosts that are not this one."""

from __future__ import annotations

import pytest

from dockyard import diagnosis, doctor
from dockyard.diagnosis import Check
from dockyard.doctor import Report
from dockyard.networks.firewall import Chain
from dockyard.system import components
from dockyard.system.cgroup_layout import CgroupLayout
from dockyard.system.components import COMPONENTS, Component, Installed

ALL = (1 << 41) - 1


def layout(**changes: object) -> CgroupLayout:
    facts: dict[str, object] = {
        "mode": "v2", "unified_mount": "/sys/fs/cgroup", "mounts": {},
        "controllers": frozenset({"memory", "cpu", "pids"}), "systemd": False,
    }  # fmt: skip
    return CgroupLayout(**(facts | changes))  # type: ignore[arg-type]  # facts of several types


def test_an_ordinary_user_is_told_to_be_root() -> None:
    found = diagnosis.check_privileges(1000, 0)
    assert found.status == "problem"
    assert "root" in (found.hint or "")


def test_the_firewall_of_an_ordinary_user_is_one_clear_line() -> None:
    found = doctor._check_firewall(1000)
    assert found.detail == "only root may see the rules of this host"
    assert "run as root" in (found.hint or "")


def test_root_without_capabilities_is_named_as_such() -> None:
    found = diagnosis.check_privileges(0, ALL & ~(1 << 21))
    assert (found.status, found.detail) == ("problem", "root without CAP_SYS_ADMIN")
    assert diagnosis.check_privileges(0, ALL).status == "ok"


@pytest.mark.parametrize(
    ("version", "filesystems", "modules", "status"),
    [
        ((5, 4), "nodev overlay", "", "problem"),
        ((5, 10), "nodev overlay", "", "ok"),
        ((6, 18), "nodev overlay", "", "ok"),
        ((6, 18), "ext4", "kernel/fs/ext4/ext4.ko:", "warning"),
        ((6, 12), "ext4", "kernel/fs/overlayfs/overlay.ko.xz:", "ok"),
    ],
)
def test_kernels(version: tuple[int, int], filesystems: str, modules: str, status: str) -> None:
    assert diagnosis.check_kernel(version, filesystems, modules).status == status


@pytest.mark.parametrize(
    ("version", "status"),
    [
        ("1.1.5+ds1", "warning"), ("1.2.7", "warning"), ("1.2.8", "ok"), ("1.3.2", "warning"),
        ("1.3.3", "ok"), ("1.4.0-rc.2", "warning"), ("1.4.0-rc.3", "ok"), ("1.4.0", "ok"),
        ("1.5.0-rc.1", "ok"), ("2.0.0", "ok"), ("0.9.9", "warning"), ("unknown", "warning"),
    ],
)  # fmt: skip
def test_an_old_runc_is_a_warning(version: str, status: str) -> None:
    assert diagnosis.check_runtime("/usr/sbin/runc", version, "").status == status
    mended = diagnosis.check_runtime("/usr/sbin/runc", version, "  * CVE-2025-31133: masked paths")
    assert mended.status == "ok"
    assert diagnosis.check_runtime("/usr/bin/crun", version, "").status == "ok"


def test_a_missing_controller_is_a_warning_that_names_the_limit() -> None:
    found = diagnosis.check_cgroups(layout(controllers=frozenset({"cpu", "pids"})), has_runc=True)
    assert found.status == "warning"
    assert "memory" in (found.hint or "")


@pytest.mark.parametrize(("has_runc", "status"), [(True, "ok"), (False, "problem")])
def test_a_hybrid_host_that_crun_refuses_needs_runc(has_runc: bool, status: str) -> None:
    hybrid = layout(mode="hybrid", unified_controllers=frozenset({"hugetlb"}))
    found = diagnosis.check_cgroups(hybrid, has_runc=has_runc)
    assert found.status == status
    assert "crun refuses" in found.detail


def test_a_firewall_that_drops_is_named() -> None:
    chains = [Chain("ip", "filter", "DOCKER-USER")]
    found = diagnosis.check_firewall(chains, legacy_drops=True)
    assert found.status == "warning"
    assert "ip filter DOCKER-USER, iptables-legacy FORWARD" in found.detail
    assert diagnosis.check_firewall([], legacy_drops=False).status == "ok"


def test_limits_that_cannot_be_raised_are_told_with_their_ceiling() -> None:
    found = diagnosis.check_limits(ALL & ~(1 << 24), 20000)
    assert found.status == "warning"
    assert "20000" in found.detail
    assert diagnosis.check_limits(ALL, 1024).status == "ok"


def test_seccomp_and_sqlite() -> None:
    assert diagnosis.check_seccomp("kill_process kill_thread trap errno allow").status == "ok"
    assert diagnosis.check_seccomp("").status == "problem"
    assert diagnosis.check_sqlite((3, 36, 0)).status == "problem"
    assert diagnosis.check_sqlite((3, 40, 1)).status == "ok"


def test_who_has_no_envoy_can_do_all_but_serve() -> None:
    lacking = diagnosis.check_gateway(None)
    assert (lacking.status, lacking.hint) == ("warning", "pip install 'dockyard[serve]'")
    assert diagnosis.check_gateway("1.40.0").status == "ok"


@pytest.mark.parametrize(
    ("free", "kind", "status"),
    [(10**12, "ext4", "ok"), (10**9, "ext4", "warning"), (10**12, "overlay", "problem"),
     (10**12, "nfs4", "problem")],
)  # fmt: skip
def test_disks(free: int, kind: str, status: str) -> None:
    assert diagnosis.check_disk(free, kind, "/x").status == status


def test_the_filesystem_of_a_path_is_that_of_its_deepest_mount() -> None:
    mountinfo = (
        "1 0 0:1 / / rw - overlay overlay rw\n"
        "2 1 0:2 / /var rw - ext4 /dev/a rw\n"
        "3 1 0:3 / /var/lib rw - xfs /dev/b rw\n"
    )
    assert diagnosis.filesystem_of("/var/lib/dockyard", mountinfo) == "xfs"
    assert diagnosis.filesystem_of("/variable", mountinfo) == "overlay"


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("crun version 1.8.1\ncommit: f8a0", "1.8.1"),
        ("nftables v1.0.6 (Lester Gooch #5)", "1.0.6"),
        ("ip utility, iproute2-6.1.0, libbpf 1.1.2", "6.1.0"),
        ("tini version 0.1.7_catatonit", "0.1.7_catatonit"),
        ("nothing here", "unknown"),
    ],
)
def test_versions_are_found_in_what_programs_print(text: str, version: str) -> None:
    assert components.parse_version(text) == version


def installed(*absent: str) -> tuple[Installed, ...]:
    return tuple(
        Installed(one, None if one.program in absent else f"/usr/bin/{one.program}", "1")
        for one in COMPONENTS
    )


def names(found: tuple[Component, ...]) -> set[str]:
    return {one.program for one in found}


def test_one_oci_runtime_is_enough_but_none_is_not() -> None:
    assert components.missing(installed("crun")) == ()
    assert components.missing(installed("runc")) == ()
    assert names(components.missing(installed("crun", "runc"))) == {"crun"}


def test_an_optional_component_may_be_missing() -> None:
    assert components.missing(installed("mmdebstrap", "catatonit")) == ()
    assert names(components.missing(installed("conmon"))) == {"conmon"}


def test_a_report_is_healthy_with_warnings_but_not_with_problems() -> None:
    warned = Report(installed(), (Check("a", "warning", "x"),))
    assert warned.healthy
    assert not Report(installed(), (Check("a", "problem", "x"),)).healthy
    assert not Report(installed("conmon"), ()).healthy


def test_the_hint_installs_packages_not_programs() -> None:
    lacking = components.missing(installed("nft", "ip"))
    assert doctor.install_command(lacking) == "apt-get install iproute2 nftables"
