from __future__ import annotations

from dockyard.security.paths import MASKED, READONLY


def test_a_path_is_either_masked_or_readonly() -> None:
    assert not set(MASKED) & set(READONLY)
    assert len(set(MASKED)) == len(MASKED)


def test_what_leaks_the_hosts_memory_and_keys_is_masked() -> None:
    assert {"/proc/kcore", "/proc/keys", "/sys/firmware"} <= set(MASKED)


def test_what_changes_the_host_is_readonly() -> None:
    assert {"/proc/sys", "/proc/sysrq-trigger"} <= set(READONLY)
