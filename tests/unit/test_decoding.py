from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from dockyard import decoding

SOURCE = Path(__file__).parents[2] / "src" / "dockyard"


@pytest.mark.parametrize(
    ("text", "number"),
    [("0", 0), ("7", 7), ("007", 7), ("100", 100), (str(2**63 - 1), None), ("101", None)],
)
def test_numbers_up_to_a_bound(text: str, number: int | None) -> None:
    assert decoding.natural(text, 100) == number


def test_a_nul_is_found_and_its_spelling_is_none() -> None:
    for text in ("/proc\0x", "\0", "\\\0", "a\\\\\0"):
        assert decoding.has_nul(msgspec.json.encode({"a": [text]}))
        assert decoding.has_nul(msgspec.json.encode({text: ""}))
    for text in ("", "printf '\\u0000'", "\\\\u0000", "\x01", "\\"):
        assert not decoding.has_nul(msgspec.json.encode({text: text}))


@pytest.mark.parametrize(
    "text", ["", "-1", "+1", " 1", "1\n", "1_0", "0x1", "٣", "1.0", "9" * 5000, str(2**63)]
)
def test_other_texts_are_no_numbers(text: str) -> None:
    assert decoding.natural(text) is None


MANY_AT_ONCE = '''
from __future__ import annotations
import sys, threading, types
from dockyard import decoding

SOURCE = """
from __future__ import annotations
import msgspec
class Inner(msgspec.Struct, frozen=True):
    a: int = 0
    b: str | None = None
class Outer(msgspec.Struct, frozen=True):
    x: Inner = Inner()
    y: dict[str, Inner] = {}
"""
sys.setswitchinterval(1e-6)
found = []

def read(kind, ready):
    ready.wait()
    found.append(decoding.from_json('{"y": {"k": {"a": 2}}}', kind).y["k"].a)
    found.append(decoding.from_builtins({"y": {"k": {"a": 2}}}, kind).y["k"].a)

for number in range(100):
    module = types.ModuleType(f"types{number}")
    sys.modules[module.__name__] = module
    exec(SOURCE, module.__dict__)
    ready = threading.Barrier(4)
    threads = [threading.Thread(target=read, args=(module.Outer, ready)) for _ in range(4)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
print(len(found), set(found))
'''


class Point(msgspec.Struct, frozen=True):
    x: int
    y: int = 0


def test_documents_and_plain_values() -> None:
    assert decoding.from_json('{"x": 1}', Point) == Point(1)
    assert decoding.from_json(b"[1, 2]", tuple[int, ...]) == (1, 2)
    assert decoding.from_builtins({"x": 1, "y": 2}, Point) == Point(1, 2)


def test_what_is_no_value_of_the_type_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError):
        decoding.from_json('{"x": "1"}', Point)
    with pytest.raises(msgspec.ValidationError):
        decoding.from_builtins({"x": "1"}, Point)
    with pytest.raises(msgspec.DecodeError):
        decoding.from_json("{", Point)


def test_threads_may_meet_at_a_type_that_is_new_to_all() -> None:
    done = subprocess.run(  # a failure ends the process
        [sys.executable, "-c", MANY_AT_ONCE], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "800 {2}\n")


def test_nothing_else_decodes_to_a_type() -> None:
    direct = re.compile(r"json\.decode\([^\n]*\btype=|msgspec\.convert\(|json\.Decoder\(")
    found = {path.name for path in SOURCE.rglob("*.py") if direct.search(path.read_text())}
    assert found == {"decoding.py"}
