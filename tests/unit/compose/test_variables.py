"""Which variables a file names."""

from __future__ import annotations

from dockyard.compose.load.variables import Variable, named


def test_each_variable_is_known_with_what_stands_for_it() -> None:
    tree = {
        "a": "$PLAIN ${BRACED} $$NOT $1",
        "b": ["${DEFAULT:-x}", {"c": "${UNSET-y}"}],
        "d": "${MUST:?say it}${ALSO?}",
        "e": "${SET:+yes}${GIVEN+on}",
        "f": "${OUTER:-${INNER:-deep}}/${AFTER}",
        "g": 5,
    }
    assert named(tree) == {
        "AFTER": Variable(name="AFTER"),
        "ALSO": Variable(name="ALSO", required=True),
        "BRACED": Variable(name="BRACED"),
        "DEFAULT": Variable(name="DEFAULT", default="x"),
        "GIVEN": Variable(name="GIVEN", alternate="on"),
        "INNER": Variable(name="INNER", default="deep"),
        "MUST": Variable(name="MUST", required=True),
        "OUTER": Variable(name="OUTER", default="${INNER:-deep}"),
        "PLAIN": Variable(name="PLAIN"),
        "SET": Variable(name="SET", alternate="yes"),
        "UNSET": Variable(name="UNSET", default="y"),
    }
