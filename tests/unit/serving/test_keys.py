"""Files of API keys: what is taken, and that no key gets into a message."""

from __future__ import annotations

import pytest

from dockyard.errors import InvalidInput
from dockyard.serving.keys import Key, read

ONE = "0123456789abcdef"
TWO = "sk-live:with/strange=characters~"


def test_keys_stand_alone_or_behind_a_name() -> None:
    text = f"\ufeff# who may ask\r\n\r\nmobile app : {ONE}\r\n  {TWO}  \r\n"

    assert read(text, "keys.txt") == (
        Key("mobile app", ONE),
        Key("line-4", TWO),
    )


def test_a_key_shows_itself_to_nobody() -> None:
    (found,) = read(f"mobile: {ONE}", "keys.txt")

    assert found.digest == "9f9f5111f7b27a781f1f1ddde5ebc2dd2b796bfc7365c9c28b548e564176929f"
    assert ONE not in f"{found!r} {found}"


def test_one_name_may_have_several_keys() -> None:
    """While one takes the place of the other."""
    found = read(f"web: {ONE}\nweb: {TWO}\n", "keys.txt")

    assert [one.name for one in found] == ["web", "web"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "keys.txt: there is no key, so nobody could ask anything"),
        ("# none\n\n", "keys.txt: there is no key, so nobody could ask anything"),
        ("web:\n", "keys.txt:1: the key is empty"),
        ("\nweb: \n", "keys.txt:2: the key is empty"),
        ("web: SECRET\n", "keys.txt:1: the key is too short: 16 characters are the least"),
        ("SECRET\n", "keys.txt:1: the key is too short: 16 characters are the least"),
        ("SECRET SECRET SECRET", "keys.txt:1: the key has a space or a character"),
        ("SECRETSECRETSECRETé", "keys.txt:1: the key has a space or a character"),
        ("wéb: SECRETSECRETSECRET", "keys.txt:1: the name has a character that no header"),
        ("SECRET" * 1000, "keys.txt:1: the key is too long"),
        ("a: SECRETSECRETSECRET\nb: SECRETSECRETSECRET", "keys.txt:2: the key is the same as in"),
    ],
)
def test_what_is_no_key_is_refused_without_showing_it(text: str, message: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read(text, "keys.txt")

    assert caught.value.message.startswith(message)
    assert "SECRET" not in f"{caught.value.message} {caught.value.hint}"
