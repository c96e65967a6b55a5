from __future__ import annotations

import pytest

from dockyard.build.dockerfile.source import Location, did_you_mean, located, syntax_error
from dockyard.errors import BuildError


def test_excerpt_shows_file_line_and_every_line_with_its_number() -> None:
    location = Location("Dockerfile", 7, 8, "RNU pip install \\\n  torch")
    assert location.excerpt() == ("Dockerfile:7\n   7 | >>> RNU pip install \\\n   8 | >>>   torch")


def test_excerpt_of_a_long_instruction_keeps_its_beginning_and_its_end() -> None:
    lines = Location("D", 1, 300, "\n".join(f"line {n}" for n in range(1, 301))).excerpt()
    assert lines.startswith("D:1\n   1 | >>> line 1\n")
    assert lines.endswith("\n     | ...\n 300 | >>> line 300")
    assert lines.count("\n") == 12


def test_located_adds_the_place_only_where_none_is_known() -> None:
    outer, inner = Location("a", 1, 1, "x"), Location("b", 2, 2, "y")
    with pytest.raises(BuildError) as caught, located(outer):
        raise BuildError("boom", hint="stay")
    assert (caught.value.context, caught.value.hint) == (outer.excerpt(), "stay")
    with pytest.raises(BuildError) as caught, located(outer):
        raise syntax_error(inner, "boom")
    assert caught.value.context == inner.excerpt()


def test_did_you_mean_names_the_nearest_or_nothing() -> None:
    assert did_you_mean("RNU", ["RUN", "ENV", "ADD"]) == "did you mean RUN?"
    assert did_you_mean("--chwon", ["--chown", "--chmod"]) == "did you mean --chown?"
    assert did_you_mean("zzz", ["RUN"]) is None
