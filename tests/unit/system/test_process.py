from __future__ import annotations

import pytest

from dockyard.errors import ComponentFailed, ComponentMissing
from dockyard.system import process


def test_output_and_code_come_back() -> None:
    done = process.run(["sh", "-c", "cat; exit 3"], input="text", check=False)

    assert (done.code, done.text) == (3, "text")


def test_a_failure_holds_the_last_words_and_the_command() -> None:
    with pytest.raises(ComponentFailed, match="sh: why not") as caught:
        process.run(["sh", "-c", "echo why not >&2; exit 1"])
    assert "-c 'echo why not" in (caught.value.context or "")


def test_a_missing_program_says_how_to_get_it() -> None:
    with pytest.raises(ComponentMissing, match="no-such-program is not installed") as caught:
        process.run(["no-such-program"])
    assert "apt-get install" in (caught.value.hint or "")


def test_time_is_bounded() -> None:
    with pytest.raises(ComponentFailed, match="did not finish within"):
        process.run(["sleep", "60"], timeout=0.05)


def test_programs_are_found_without_sbin_in_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert process.find("sh") is not None
    assert process.find("/bin/sh") == "/bin/sh"
    assert process.find("/bin/no-such") is None
