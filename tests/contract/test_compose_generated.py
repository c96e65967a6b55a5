"""Files that nobody wrote, read as Docker Compose reads them.

``COMPOSE_FILES`` is how many, other ones each time then; without it they are always the same.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.support.compose_files import compose_files
from tests.support.compose_oracle import Oracle, Question, differences

AT_ONCE = 8
"""Files in one example: Docker Compose reads several at once, which takes less time."""

OTHERS = "COMPOSE_FILES" in os.environ
COUNT = int(os.environ.get("COMPOSE_FILES", "800"))

ON_PURPOSE: dict[str, Callable[[str, str], bool]] = {
    "names that begin with x- are names where a file chooses them, such as labels":
        lambda theirs, own: "#extensions" in theirs,
    "a key for SSH that has a path is printed, not an error of the printer":
        lambda theirs, own: "MarshalJSON for type types.SSHKey" in theirs,
    "what makes Docker Compose crash is read, or refused with its place":
        lambda theirs, own: "goroutine 1 [running]" in theirs,
    "a number that is too large is refused; Docker Compose takes its last bits":
        lambda theirs, own: " isn't between 0 and " in own,
}  # fmt: skip
"""Why an answer differs, and whether it is one to what Docker Compose says."""


def on_purpose(theirs: str, own: str) -> bool:
    return any(differs(theirs, own) for differs in ON_PURPOSE.values())


@pytest.mark.timeout(1200)
@pytest.mark.long
@settings(
    max_examples=COUNT // AT_ONCE,
    derandomize=not OTHERS,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.generate),  # a smaller file would take minutes
    deadline=None,
)
@given(st.lists(compose_files(), min_size=AT_ONCE, max_size=AT_ONCE))
def test_generated_files_are_read_as_docker_compose_reads_them(texts: list[str]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        questions = [asked(text, directory) for text in texts]

        answers = Oracle(keeps=not OTHERS).ask_all(questions)

        assert not differences(questions, answers, on_purpose)


def asked(text: str, directory: str) -> Question:
    """A file in a directory that isn't there, so that an answer is the same each time."""
    path = Path(directory) / f"{hashlib.sha256(text.encode()).hexdigest()[:16]}.yaml"
    path.write_text(text)
    return Question(files=(str(path),), directory="/srv/generated")
