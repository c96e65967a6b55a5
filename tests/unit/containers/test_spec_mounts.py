from __future__ import annotations

import pytest

from dockyard.containers.model import Mount
from dockyard.containers.spec_mounts import propagation, root_propagation, volumes_from
from dockyard.errors import InvalidInput

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
