from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockyard.errors import InvalidInput, PermissionMissing
from dockyard.security import capabilities as caps

WITHOUT_SYS_RESOURCE = (1 << len(caps.ALL)) - 1 & ~(1 << 24)


def test_numbers_are_those_of_the_kernel() -> None:
    for name, number in {"CHOWN": 0, "SYS_ADMIN": 21, "SYS_RESOURCE": 24, "BPF": 39}.items():
        assert caps.ALL[number] == f"CAP_{name}"
    assert len(caps.ALL) == 41


def test_run_grants_three_fewer_than_build() -> None:
    assert len(caps.DEFAULT_RUN) == 11
    assert len(caps.DEFAULT_BUILD) == 14
    assert set(caps.DEFAULT_BUILD) - set(caps.DEFAULT_RUN) == {
        "CAP_MKNOD",
        "CAP_NET_RAW",
        "CAP_AUDIT_WRITE",
    }


def test_nothing_asked_gives_the_defaults() -> None:
    assert caps.resolve(caps.DEFAULT_RUN) == caps.DEFAULT_RUN


@pytest.mark.parametrize("spelling", ["NET_ADMIN", "net_admin", "CAP_NET_ADMIN", "cap_net_admin"])
def test_any_spelling_is_understood(spelling: str) -> None:
    assert caps.resolve((), [spelling]) == ("CAP_NET_ADMIN",)


@pytest.mark.parametrize(
    ("add", "drop", "expected"),
    [
        (["NET_RAW"], ["CHOWN"], {"CAP_KILL", "CAP_NET_RAW"}),
        (["CHOWN"], ["ALL"], {"CAP_CHOWN"}),
        ([], ["ALL"], set()),
        ([], ["all"], set()),
        (["ALL"], [], set(caps.ALL)),
        (["ALL"], ["SYS_ADMIN"], set(caps.ALL) - {"CAP_SYS_ADMIN"}),
        (["ALL"], ["ALL"], set(caps.ALL)),
        (["KILL"], ["KILL"], {"CAP_CHOWN", "CAP_KILL"}),
        ([], ["NET_ADMIN"], {"CAP_CHOWN", "CAP_KILL"}),
    ],
)
def test_add_and_drop_combine_as_in_docker(
    add: list[str], drop: list[str], expected: set[str]
) -> None:
    assert set(caps.resolve(["CAP_CHOWN", "CAP_KILL"], add, drop)) == expected


@pytest.mark.parametrize(
    ("add", "drop", "expected"),
    [
        ([], [], set(caps.ALL)),
        ([], ["SYS_MODULE"], set(caps.ALL) - {"CAP_SYS_MODULE"}),
        (["NET_ADMIN"], ["ALL"], {"CAP_NET_ADMIN"}),
        ([], ["ALL"], set()),
        (["ALL"], ["SYS_ADMIN"], set(caps.ALL) - {"CAP_SYS_ADMIN"}),
    ],
)
def test_privileged_gets_everything_but_what_is_dropped(
    add: list[str], drop: list[str], expected: set[str]
) -> None:
    """Docker accepts the lists and ignores them."""
    assert set(caps.resolve(caps.DEFAULT_RUN, add, drop, privileged=True)) == expected


@given(
    st.lists(st.sampled_from([*caps.ALL, "ALL"])),
    st.lists(st.sampled_from([*caps.ALL, "ALL"])),
)
def test_the_result_is_in_the_kernels_order_without_repetition(
    add: list[str], drop: list[str]
) -> None:
    result = caps.resolve(caps.DEFAULT_RUN, add, drop)
    numbers = [caps.ALL.index(name) for name in result]
    assert numbers == sorted(set(numbers))


def test_a_misspelt_name_gets_a_suggestion() -> None:
    with pytest.raises(InvalidInput) as caught:
        caps.resolve((), [], ["SYS_ADMNI"])
    assert caught.value.message == 'unknown capability: "SYS_ADMNI"'
    assert caught.value.context == "--cap-drop"
    assert caught.value.hint == "did you mean SYS_ADMIN?"


@pytest.mark.parametrize("name", ["", "CAP_", "zzzz"])
def test_an_unknown_name_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput):
        caps.resolve((), [name])


def test_what_the_bounding_set_lacks_is_named() -> None:
    wanted = ("CAP_CHOWN", "CAP_SYS_RESOURCE")
    assert caps.unavailable(wanted, WITHOUT_SYS_RESOURCE) == ("CAP_SYS_RESOURCE",)
    assert caps.unavailable(wanted, 0) == wanted
    assert caps.unavailable((), 0) == ()


@pytest.mark.parametrize("add", [[], ["ALL"], ["NET_ADMIN"]])
def test_what_nobody_asked_for_by_name_is_left_out(add: list[str]) -> None:
    granted = caps.grantable(caps.ALL, add, WITHOUT_SYS_RESOURCE)
    assert set(caps.ALL) - set(granted) == {"CAP_SYS_RESOURCE"}


def test_what_was_asked_for_by_name_is_missed() -> None:
    add = ["sys_resource"]
    with pytest.raises(PermissionMissing, match="cannot grant CAP_SYS_RESOURCE"):
        caps.grantable(caps.resolve(caps.DEFAULT_RUN, add), add, WITHOUT_SYS_RESOURCE)
