from __future__ import annotations

import json
from typing import Any

import pytest

from dockyard.errors import InvalidInput
from dockyard.security.capabilities import ALL, DEFAULT_RUN
from dockyard.security.seccomp import default_profile, load_profile

KERNEL = (6, 1)
EPERM = 1
ENOSYS = 38


def rules(profile: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """The rules for one call, without their names."""
    return [
        {key: value for key, value in rule.items() if key != "names"}
        for rule in profile["syscalls"]
        if name in rule["names"]
    ]


def default(
    *added: str, architecture: str = "amd64", kernel: tuple[int, int] = KERNEL
) -> dict[str, Any]:
    return default_profile({*DEFAULT_RUN, *added}, architecture, kernel)


def load(profile: dict[str, Any], *capabilities: str) -> dict[str, Any]:
    return load_profile(json.dumps(profile), capabilities, "amd64", KERNEL)


def test_what_is_not_named_fails_with_eperm() -> None:
    profile = default()
    assert profile["defaultAction"] == "SCMP_ACT_ERRNO"
    assert profile["defaultErrnoRet"] == EPERM


@pytest.mark.parametrize("name", ["openat2", "execve", "futex", "statx", "ptrace", "rseq", "mseal"])
def test_ordinary_calls_are_allowed(name: str) -> None:
    assert rules(default(), name) == [{"action": "SCMP_ACT_ALLOW"}]


@pytest.mark.parametrize(
    "name",
    ["io_uring_setup", "keyctl", "add_key", "userfaultfd", "kexec_load", "swapon", "pivot_root"],
)
def test_some_calls_are_refused_even_to_the_privileged(name: str) -> None:
    assert rules(default_profile(ALL, "amd64", KERNEL), name) == []


@pytest.mark.parametrize(
    ("name", "capability"),
    [
        ("mount", "CAP_SYS_ADMIN"),
        ("setns", "CAP_SYS_ADMIN"),
        ("unshare", "CAP_SYS_ADMIN"),
        ("open_by_handle_at", "CAP_DAC_READ_SEARCH"),
        ("init_module", "CAP_SYS_MODULE"),
        ("pidfd_getfd", "CAP_SYS_PTRACE"),
        ("syslog", "CAP_SYSLOG"),
        ("clock_settime", "CAP_SYS_TIME"),
        ("mbind", "CAP_SYS_NICE"),
        ("vhangup", "CAP_SYS_TTY_CONFIG"),
        ("bpf", "CAP_BPF"),
        ("perf_event_open", "CAP_PERFMON"),
        ("reboot", "CAP_SYS_BOOT"),
        ("acct", "CAP_SYS_PACCT"),
        ("iopl", "CAP_SYS_RAWIO"),
    ],
)
def test_a_capability_brings_the_calls_that_it_is_for(name: str, capability: str) -> None:
    assert rules(default(), name) == []
    assert rules(default(capability), name) == [{"action": "SCMP_ACT_ALLOW"}]


def test_chroot_goes_with_its_default_capability() -> None:
    assert rules(default(), "chroot") == [{"action": "SCMP_ACT_ALLOW"}]
    assert rules(default_profile((), "amd64", KERNEL), "chroot") == []


def test_processes_start_without_new_namespaces() -> None:
    [rule] = rules(default(), "clone")
    assert rule["args"] == [{"index": 0, "value": 0x7E020000, "op": "SCMP_CMP_MASKED_EQ"}]
    assert rules(default("CAP_SYS_ADMIN"), "clone") == [{"action": "SCMP_ACT_ALLOW"}]


def test_clone_flags_are_the_second_argument_on_s390() -> None:
    [rule] = rules(default(architecture="s390x"), "clone")
    assert rule["args"][0]["index"] == 1


def test_clone3_looks_unimplemented_so_that_threads_fall_back() -> None:
    assert rules(default(), "clone3") == [{"action": "SCMP_ACT_ERRNO", "errnoRet": ENOSYS}]
    assert rules(default("CAP_SYS_ADMIN"), "clone3") == [{"action": "SCMP_ACT_ALLOW"}]


def test_sockets_of_two_families_are_refused() -> None:
    conditions = [rule["args"][0] for rule in rules(default(), "socket")]
    assert {(one["index"], one["op"]) for one in conditions} == {(0, "SCMP_CMP_MASKED_EQ")}

    def allowed(argument: int) -> bool:
        return any(argument & one["value"] == one.get("valueTwo", 0) for one in conditions)

    for upper in (0, 1 << 32, 1 << 63, 0xFFFFFFFF << 32):  # which the kernel doesn't look at
        assert {family for family in range(64) if not allowed(upper | family)} == {38, 40}
        assert not allowed(upper | 1 << 31 | 40)
    assert rules(default(), "socketpair") == rules(default(), "socket")


def test_sockets_of_32_bits_are_for_those_who_say_that_they_need_them() -> None:
    refused = [{"action": "SCMP_ACT_ERRNO", "errnoRet": ENOSYS}]
    allowed = [{"action": "SCMP_ACT_ALLOW"}]
    assert rules(default(), "socketcall") == refused
    for programs, found in (("386", allowed), ("amd64", refused), (None, refused)):
        profile = default_profile(DEFAULT_RUN, "amd64", KERNEL, programs=programs)
        assert rules(profile, "socketcall") == found
    for native in ("386", "s390x"):
        assert rules(default(architecture=native), "socketcall") == allowed


def test_personality_takes_only_harmless_values() -> None:
    values = [rule["args"][0]["value"] for rule in rules(default(), "personality")]
    assert values == [0, 8, 0x20000, 0x20008, 0xFFFFFFFF]


def test_tracing_needs_a_kernel_where_it_does_not_evade_seccomp() -> None:
    assert rules(default(kernel=(4, 7)), "ptrace") == []
    assert rules(default(kernel=(4, 8)), "ptrace") != []
    assert rules(default(kernel=(4, 10)), "ptrace") != []


@pytest.mark.parametrize(
    ("architecture", "names", "call"),
    [
        ("amd64", ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"], "arch_prctl"),
        ("arm64", ["SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"], "arm_fadvise64_64"),
        ("s390x", ["SCMP_ARCH_S390X", "SCMP_ARCH_S390"], "s390_runtime_instr"),
        ("riscv64", ["SCMP_ARCH_RISCV64"], "riscv_flush_icache"),
    ],
)
def test_each_processor_has_its_calls(architecture: str, names: list[str], call: str) -> None:
    profile = default(architecture=architecture)
    assert profile["architectures"] == names
    assert rules(profile, call) != []


def test_calls_of_other_processors_are_left_out() -> None:
    assert rules(default(), "riscv_flush_icache") == []
    assert rules(default(architecture="386"), "modify_ldt") != []


def test_an_unlisted_processor_leaves_the_choice_to_the_runtime() -> None:
    assert "architectures" not in default(architecture="ppc64le")


def test_the_result_is_json() -> None:
    profile = default()
    assert json.loads(json.dumps(profile)) == profile


def test_a_file_in_the_runtime_specs_format_stays_as_it_is() -> None:
    profile = {
        "defaultAction": "SCMP_ACT_ALLOW",
        "architectures": ["SCMP_ARCH_X86_64"],
        "flags": ["SECCOMP_FILTER_FLAG_LOG"],
        "syscalls": [
            {
                "names": ["socket"],
                "action": "SCMP_ACT_ERRNO",
                "errnoRet": 97,
                "args": [
                    {"index": 0, "value": 3, "op": "SCMP_CMP_MASKED_EQ", "valueTwo": 2},
                ],
            },
        ],
    }
    assert load(profile) == profile


def test_the_old_format_with_one_name_a_rule_is_read() -> None:
    profile = load(
        {
            "defaultAction": "SCMP_ACT_ERRNO",
            "syscalls": [{"name": "read", "action": "SCMP_ACT_ALLOW", "args": None}],
        }
    )
    assert profile["syscalls"] == [{"names": ["read"], "action": "SCMP_ACT_ALLOW"}]


def test_the_architecture_map_is_resolved_for_this_processor() -> None:
    profile = load(
        {
            "defaultAction": "SCMP_ACT_ALLOW",
            "archMap": [
                {"architecture": "SCMP_ARCH_AARCH64", "subArchitectures": ["SCMP_ARCH_ARM"]},
                {"architecture": "SCMP_ARCH_X86_64", "subArchitectures": None},
            ],
        }
    )
    assert profile["architectures"] == ["SCMP_ARCH_X86_64"]


@pytest.mark.parametrize(
    ("condition", "applies"),
    [
        ({"includes": {"caps": ["CAP_KILL"]}}, True),
        ({"includes": {"caps": ["CAP_KILL", "CAP_BPF"]}}, False),
        ({"includes": {"arches": ["arm64", "amd64"]}}, True),
        ({"includes": {"arches": ["arm64"]}}, False),
        ({"includes": {"minKernel": "6.1"}}, True),
        ({"includes": {"minKernel": "6.2"}}, False),
        ({"includes": {}}, True),
        ({"excludes": {"caps": ["CAP_KILL", "CAP_BPF"]}}, False),
        ({"excludes": {"caps": ["CAP_BPF"]}}, True),
        ({"excludes": {"arches": ["amd64"]}}, False),
        ({"excludes": {"minKernel": "5.0"}}, False),
        ({"excludes": {}}, True),
        ({"includes": {"caps": ["CAP_KILL"]}, "excludes": {"arches": ["amd64"]}}, False),
    ],
)
def test_conditions_choose_rules(condition: dict[str, Any], applies: bool) -> None:
    rule = {"names": ["bpf"], "action": "SCMP_ACT_ALLOW", **condition}
    profile = load({"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [rule]}, "CAP_KILL")
    assert bool(profile["syscalls"]) is applies


def test_podmans_error_names_become_numbers() -> None:
    profile = load(
        {
            "defaultAction": "SCMP_ACT_ERRNO",
            "defaultErrno": "ENOSYS",
            "syscalls": [
                {"names": ["bpf"], "action": "SCMP_ACT_ERRNO", "errno": "EPERM", "comment": "no"}
            ],
        }
    )
    assert profile["defaultErrnoRet"] == ENOSYS
    assert profile["syscalls"][0]["errnoRet"] == EPERM


ALLOW = {"names": ["bpf"], "action": "SCMP_ACT_ALLOW"}


@pytest.mark.parametrize(
    "fields",
    [
        {"defaultAction": "SCMP_ACT_MAYBE"},
        {"sycalls": []},
        {"defaultErrno": "errorcode"},
        {"defaultErrno": "ENONSENSE"},
        {"syscalls": [{"action": "SCMP_ACT_ALLOW"}]},
        {"syscalls": [{**ALLOW, "name": "read"}]},
        {"syscalls": [{**ALLOW, "include": {"caps": ["CAP_BPF"]}}]},
        {"syscalls": [{**ALLOW, "includes": {"minKernel": "new"}}]},
        {"architectures": ["SCMP_ARCH_X86"], "archMap": [{"architecture": "SCMP_ARCH_X86_64"}]},
    ],
)
def test_a_wrong_profile_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match="invalid seccomp profile") as caught:
        load({"defaultAction": "SCMP_ACT_ERRNO", **fields})
    assert caught.value.hint


@pytest.mark.parametrize("text", ["", "[]", "{", "{}", b"\xff"])
def test_what_is_no_profile_is_refused(text: str | bytes) -> None:
    with pytest.raises(InvalidInput, match="invalid seccomp profile"):
        load_profile(text, (), "amd64", KERNEL)
