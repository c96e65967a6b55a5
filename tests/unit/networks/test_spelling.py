from __future__ import annotations

import pytest

from dockyard.networks.spelling import HOSTNAME_LENGTH, is_name, is_word


@pytest.mark.parametrize(
    "text", ["a", "web-1", "my_project_web_1", "a.b.example.net", "0", "A" * 63, f"{'a' * 63}.b"]
)
def test_names(text: str) -> None:
    assert is_name(text)


@pytest.mark.parametrize(
    "text",
    [
        "", "-a", "a-", ".a", "a.", "a..b", "a b", "a\nb", "a\x00", "a,b", "a#b", "a\t1", "ä",
        "a" * 64, "a\n", "a\x1b[0m", ".".join(["a" * 50] * 6),
    ],
)  # fmt: skip
def test_what_is_no_name(text: str) -> None:
    assert not is_name(text)


def test_a_host_has_a_shorter_name() -> None:
    assert is_name("a." * 31 + "aa", HOSTNAME_LENGTH)
    assert not is_name("a." * 32 + "a", HOSTNAME_LENGTH)


def test_words() -> None:
    assert all(map(is_word, ("ndots:2", "trust-ad", "my_host", "a.b.")))
    assert not any(map(is_word, ("", "a b", "a\tb", "a\nb", "a\x7f", "#a", "a\u2028b", "\x85")))
