from __future__ import annotations

import msgspec
import pytest
from tests.support.facts import FACTS

from dockyard.containers.model import Security
from dockyard.containers.spec_rights import Rights, choices, rights
from dockyard.errors import InvalidInput, NotSupported, PermissionMissing
from dockyard.security import paths
from dockyard.security.capabilities import ALL

PROFILE = '{"defaultAction": "SCMP_ACT_ALLOW"}'


def test_rights_are_the_defaults_and_what_was_asked() -> None:
    default = rights(Security(), FACTS, "")
    assert len(default.capabilities) == 11
    assert default.no_new_privileges
    assert default.seccomp is not None
    assert default.masked_paths == paths.MASKED
    assert not default.writable_system

    free = rights(
        Security(
            options=("no-new-privileges:false", "seccomp=unconfined", "systempaths=unconfined"),
            cap_drop=("ALL",),
        ),
        FACTS, "",
    )  # fmt: skip
    assert free == Rights(
        capabilities=(), no_new_privileges=False, seccomp=None, masked_paths=(), readonly_paths=()
    )


def test_privileged_lifts_everything_but_what_was_asked_for_by_name() -> None:
    granted = rights(Security(privileged=True), FACTS, "")
    assert granted == Rights(
        capabilities=ALL, no_new_privileges=False, seccomp=None, masked_paths=(),
        readonly_paths=(), writable_system=True, writable_cgroups=True,
    )  # fmt: skip
    strict = rights(
        Security(privileged=True, options=("no-new-privileges", "seccomp=/p.json")), FACTS, PROFILE
    )
    assert strict.no_new_privileges
    assert strict.seccomp is not None


def test_privileged_means_what_there_is() -> None:
    poor = msgspec.structs.replace(FACTS, capability_bounds=0b11)
    assert rights(Security(privileged=True), poor, "").capabilities == (
        "CAP_CHOWN", "CAP_DAC_OVERRIDE",
    )  # fmt: skip
    assert rights(Security(privileged=True, cap_drop=("CHOWN",)), poor, "").capabilities == (
        "CAP_DAC_OVERRIDE",
    )  # fmt: skip
    with pytest.raises(PermissionMissing):
        rights(Security(privileged=True, cap_add=("SYS_ADMIN",)), poor, "")


def test_a_capability_that_we_do_not_have_cannot_be_given() -> None:
    poor = msgspec.structs.replace(FACTS, capability_bounds=1)

    assert rights(Security(), poor, "").capabilities == ("CAP_CHOWN",)
    with pytest.raises(PermissionMissing):
        rights(Security(cap_add=("SYS_ADMIN",)), poor, "")


@pytest.mark.parametrize(
    "entry",
    ["", "no-new-privileges=maybe", "seccomp", "systempaths=foo", "foo", "label=bogus:x",
     "writable-cgroups=2", "apparmor="],
)  # fmt: skip
def test_unknown_security_options_are_refused(entry: str) -> None:
    with pytest.raises(InvalidInput, match=r"invalid --security-opt|bad SELinux option"):
        choices((entry,), FACTS)


def test_the_users_own_filter_is_a_file_and_the_default_has_a_name() -> None:
    assert choices(("seccomp=/p.json",), FACTS).seccomp_file == "/p.json"
    for entry in ("seccomp=unconfined", "seccomp=builtin"):
        assert choices((entry,), FACTS).seccomp_file is None
    builtin = rights(Security(options=("seccomp=builtin",)), FACTS, "")
    assert builtin.seccomp == rights(Security(), FACTS, "").seccomp


def test_writable_cgroups_need_version_2_alone() -> None:
    assert rights(Security(options=("writable-cgroups=true",)), FACTS, "").writable_cgroups
    assert not rights(Security(options=("writable-cgroups=false",)), FACTS, "").writable_cgroups
    hybrid = msgspec.structs.replace(FACTS, cgroup_mode="hybrid")
    with pytest.raises(NotSupported, match="cgroup v2 alone"):
        rights(Security(options=("writable-cgroups",)), hybrid, "")


def test_apparmor_profiles_are_applied_where_the_host_has_them() -> None:
    asked = Security(options=("apparmor=mine",))
    host = msgspec.structs.replace(FACTS, apparmor_profiles=frozenset({"mine"}))

    assert rights(asked, host, "").apparmor == "mine"
    with pytest.raises(InvalidInput, match="not loaded"):
        rights(Security(options=("apparmor=other",)), host, "")
    with pytest.raises(NotSupported, match="no AppArmor"):
        rights(asked, FACTS, "")
    assert rights(Security(options=("apparmor=unconfined",)), FACTS, "").apparmor == ""


@pytest.mark.parametrize(("selinux", "why"), [(False, "not enabled"), (True, "doesn't label")])
def test_selinux_labels_are_refused_with_the_reason(selinux: bool, why: str) -> None:
    facts = msgspec.structs.replace(FACTS, selinux=selinux)
    with pytest.raises(NotSupported, match=why):
        choices(("label=type:container_t",), facts)
    assert choices(("label=disable",), facts) == choices((), facts)
    assert choices(("label:disable",), facts) == choices((), facts)
