from __future__ import annotations

import pytest

from dockyard.errors import DockyardError, InvalidInput
from dockyard.volumes import rules


def test_a_bind_is_the_directory_itself() -> None:
    options = {"type": "none", "o": "bind", "device": "/srv/data/"}
    assert rules.bound_directory(options) == "/srv/data"
    assert rules.bound_directory({}) is None


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"size": "1g"}, "invalid option"),
        ({"type": "nfs", "o": "addr=10.0.0.1", "device": ":/x"}, "not supported"),
        ({"type": "tmpfs", "device": "tmpfs"}, "not supported"),
        ({"type": "none", "device": "/x"}, "not supported"),
        ({"type": "none", "o": "bind,ro", "device": "/x"}, "not supported"),
        ({"type": "none", "o": "bind", "device": "x"}, "relative device"),
        ({"type": "none", "o": "bind"}, "missing"),
    ],
)
def test_what_has_no_effect_is_refused(options: dict[str, str], words: str) -> None:
    with pytest.raises(DockyardError, match=words):
        rules.bound_directory(options)


def test_only_the_local_driver() -> None:
    rules.check_driver("local")
    with pytest.raises(DockyardError, match="rexray"):
        rules.check_driver("rexray")


def test_options_are_pairs() -> None:
    assert rules.parse_options(["a=b=c", "d="]) == {"a": "b=c", "d": ""}
    with pytest.raises(InvalidInput):
        rules.parse_options(["a"])
