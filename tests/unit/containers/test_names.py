from __future__ import annotations

import pytest

from dockyard.containers import names
from dockyard.errors import InvalidInput


def test_ids_are_64_digits_and_differ() -> None:
    ids = {names.new_id() for _ in range(100)}

    assert len(ids) == 100
    assert all(len(each) == 64 and int(each, 16) for each in ids)


def test_invented_names_are_valid() -> None:
    for _ in range(100):
        name = names.new_name()
        assert names.check_name(name) == name


@pytest.mark.parametrize("name", ["", "a", "-a", "a b", "a/b", "../x", "ä1", "a\n"])
def test_names_are_dockers(name: str) -> None:
    with pytest.raises(InvalidInput, match="invalid container name"):
        names.check_name(name)
