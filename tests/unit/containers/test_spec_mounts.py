from __future__ import annotations

import pytest

from dockyard.arguments import parse_volume
from dockyard.containers.model import Mount, Options
from dockyard.containers.spec_mounts import (
    check_labels,
    propagation,
    root_propagation,
    volumes_from,
)
from dockyard.errors import InvalidInput, NotSupported

MOUNTS = """\
1 0 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
2 1 8:2 / /private rw,relatime - ext4 /dev/sda2 rw
3 1 8:3 / /follows rw,relatime master:1 - ext4 /dev/sda3 rw
"""


def bind(source: str, *options: str) -> Mount:
    return Mount(kind="bind", source=source, target="/t", options=options)


def test_a_container_gives_its_volumes_with_an_access() -> None:
    assert volumes_from("web") == ("web", "")
    assert volumes_from("web:ro") == ("web", "ro")
    assert volumes_from("web:rw,z") == ("web", "rw")
    for entry in ("web:bad", "web:ro,rw", ":ro"):
        with pytest.raises(InvalidInput, match="invalid"):
            volumes_from(entry)


@pytest.mark.parametrize(
    "options",
    [
        Options(mounts=(parse_volume("/x:/c:ro,z", "/"),)),
        Options(mounts=(parse_volume("data:/c:Z", "/"),)),
        Options(volumes_from=("web:ro,z",)),
    ],
)
def test_a_label_is_never_asked_for_in_vain(options: Options) -> None:
    check_labels(options, selinux=False)
    with pytest.raises(NotSupported, match="can't be changed"):
        check_labels(options, selinux=True)


def test_without_labels_selinux_changes_nothing() -> None:
    asked = Options(mounts=(parse_volume("/z:/Z", "/"), bind("/x")), volumes_from=("z", "z:ro"))
    check_labels(asked, selinux=True)


def test_the_root_propagates_as_far_as_a_bind_needs() -> None:
    assert root_propagation([bind("/x")], MOUNTS) == ""
    assert root_propagation([bind("/x", "rbind", "rslave")], MOUNTS) == "rslave"
    both = [bind("/x", "rbind", "rshared"), bind("/x", "rbind", "rslave")]
    assert root_propagation(both, MOUNTS) == "shared"
    assert root_propagation([bind("/follows/x", "rbind", "slave")], MOUNTS) == "rslave"


@pytest.mark.parametrize(
    ("mount", "message"),
    [
        (bind("/private/x", "rbind", "rshared"), "/private but it is not a shared mount"),
        (bind("/private", "rbind", "slave"), "/private but it is not a shared or slave mount"),
        (bind("/follows", "rbind", "shared"), "/follows but it is not a shared mount"),
    ],
)
def test_a_bind_of_a_private_mount_cannot_propagate(mount: Mount, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        root_propagation([mount], MOUNTS)


def test_a_bind_is_private_unless_it_says_otherwise() -> None:
    assert propagation(bind("/x")) == "rprivate"
    assert propagation(bind("/x", "rbind", "rshared")) == "rshared"
    assert propagation(Mount(kind="volume", source="v", target="/x")) == ""
