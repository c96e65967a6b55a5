from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockyard.containers import users
from dockyard.errors import InvalidInput
from dockyard.oci.runtime import Identity

PASSWD = """root:x:0:0:root:/root:/bin/sh
# a comment
broken line
app:x:1000:1001::/home/app:/bin/sh
1001:x:7:8::/odd:/bin/sh
homeless:x:9:9:::
"""
GROUP = "root:x:0:\nstaff:x:50:other,app\napp:x:1001:app\nwheel:x:10:root,app\nbroken\n"


@pytest.mark.parametrize(
    ("user", "identity"),
    [
        ("", Identity(0, 0, (0, 10), "/root")),
        ("app", Identity(1000, 1001, (10, 50, 1001), "/home/app")),
        ("1000", Identity(1000, 1001, (10, 50, 1001), "/home/app")),
        ("app:staff", Identity(1000, 50, (50,), "/home/app")),
        ("app:7", Identity(1000, 7, (7,), "/home/app")),
        ("5:6", Identity(5, 6, (6,), "/")),
        ("5", Identity(5, 0, (0,), "/")),
        ("1001", Identity(7, 8, (8,), "/odd")),
        ("homeless", Identity(9, 9, (9,), "/")),
    ],
)
def test_names_and_numbers_mean_what_docker_says(user: str, identity: Identity) -> None:
    assert users.resolve(user, PASSWD, GROUP) == identity


@pytest.mark.parametrize("user", ["ghost", "app:ghosts", "-1", "99999999999", "1:99999999999"])
def test_who_does_not_exist_is_refused(user: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        users.resolve(user, PASSWD, GROUP)
    assert caught.value.exit_code == 1, "for exec; run makes 125 of it"
    assert caught.value.hint


@pytest.mark.parametrize("digits", ["9" * 5000, "4294967295"])
def test_an_impossible_id_matters_to_its_owner_alone(digits: str) -> None:
    passwd = f"bad:x:{digits}:1::/:/bin/sh\nworse:x:1:{digits}::/:/bin/sh\n{PASSWD}"
    group = f"bad:x:{digits}:bad\n{GROUP}"

    assert users.resolve("app:staff", passwd, group) == Identity(1000, 50, (50,), "/home/app")
    assert users.resolve("", passwd, group).uid == 0
    for user in ("bad", "worse", "app:bad", digits, f"1000:{digits}"):
        with pytest.raises(InvalidInput, match="out of range") as raised:
            users.resolve(user, passwd, group)
        assert len(raised.value.message) < 100


def test_digits_of_another_script_are_no_id() -> None:
    with pytest.raises(InvalidInput, match="unable to find user"):
        users.resolve("٣", PASSWD, GROUP)


@given(st.text(), st.text(), st.text())
def test_hostile_files_do_no_worse(user: str, passwd: str, group: str) -> None:
    try:
        identity = users.resolve(user, passwd, group)
    except InvalidInput:
        return
    assert 0 <= identity.uid < 1 << 31
    assert 0 <= identity.gid < 1 << 31


def test_links_in_the_image_never_lead_to_the_hosts_files(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("host")
    root = tmp_path / "root"
    (root / "etc").mkdir(parents=True)
    (root / "etc" / "passwd").symlink_to("../../secret")
    (root / "etc" / "group").symlink_to(secret)

    assert users.read_databases(str(root)) == ("", "")
    (root / "secret").write_text("inside")
    assert users.read_databases(str(root)) == ("inside", "")


def test_devices_and_missing_files_are_empty(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "passwd").mkdir()

    assert users.read_databases(str(tmp_path)) == ("", "")


def test_further_groups_are_joined_by_name_or_number() -> None:
    joined = users.resolve("app:staff", PASSWD, GROUP, ("wheel", "44"))
    assert joined == Identity(1000, 50, (10, 44, 50), "/home/app")
    with pytest.raises(InvalidInput, match="unable to find group nosuch"):
        users.resolve("app", PASSWD, GROUP, ("nosuch",))
