"""Any Dockerfile gives the same files, configuration and history as BuildKit makes of it.

What BuildKit makes is stored in ``tests/data/buildkit`` (``scripts/expectations`` asks it anew).
Where ``DOCKYARD_PEERS`` names a program that runs Docker, the stored answers are checked too. What
is different on purpose is said in ``tests/data/dockerfiles/cases.toml``, with the reason.
"""

from __future__ import annotations

import io
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support import peers
from tests.support.dockerfile_cases import EXPECTED, Case, all_cases
from tests.support.image_summary import Archive, Saved, Summary, summary
from tests.support.roots import Root

from dockyard import Engine
from dockyard.errors import DockyardError

NAMES = [case.name for case in all_cases()]


@pytest.fixture(scope="module")
def shared(base_images: Path) -> Iterator[Engine]:
    """One root for all of these builds; in the end it has given everything back."""
    root = Root(Path(tempfile.mkdtemp(prefix="dockyard-test-", dir="/var/tmp")), base_images)
    try:
        with root.engine() as engine:
            root.own(engine.resolve("busybox"))
            yield engine
        left = root.leftovers()
    finally:
        root.close()
    assert not left


@pytest.fixture(scope="module")
def busybox(shared: Engine) -> Saved:
    return saved(shared, "busybox:latest")


def saved(engine: Engine, name: str) -> Saved:
    """An image as its archive shows it."""
    stream = io.BytesIO()
    engine.save([name], stream.write)
    stream.seek(0)
    return Archive(stream).image(name)


def built(engine: Engine, case: Case, directory: Path, base: Saved) -> Summary:
    """What Dockyard makes of a case."""
    context = case.place(directory)
    try:
        engine.build(
            str(context), dockerfile=str(context / case.file), tag="differential:latest",
            build_args=case.build_args, target=case.target, labels=case.labels,
            secrets=case.secrets,
        )  # fmt: skip
    except DockyardError as error:
        line = re.match(r"Dockerfile:(\d+)$", error.context or "", re.M)
        text = ". ".join(filter(None, (error.message, error.hint)))
        return {"error": text} | ({"line": line[1]} if line else {})
    return summary(saved(engine, "differential:latest"), base)


def assert_refused(ours: Summary, wanted: Summary) -> None:
    """The same refusal of the same line; BuildKit's words are among ours."""
    assert wanted["error"].lower() in ours["error"].lower()
    assert ours.get("line") == wanted.get("line", ours.get("line"))


@pytest.mark.parametrize("name", NAMES)
def test_a_dockerfile_gives_what_buildkit_makes_of_it(
    name: str, shared: Engine, busybox: Saved, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    case = next(case for case in all_cases() if case.name == name)
    if case.waiting:
        request.node.add_marker(pytest.mark.xfail(reason=case.waiting, strict=True))
    ours, wanted = built(shared, case, tmp_path, busybox), case.wanted()
    if "error" in wanted and "error" in ours:
        assert_refused(ours, wanted)
    else:
        assert ours == wanted


@pytest.mark.peers
def test_the_stored_answers_are_what_buildkit_says(shared: Engine, tmp_path: Path) -> None:
    if not peers.works():
        pytest.skip("DOCKYARD_PEERS names no program that runs Docker")
    archive = io.BytesIO()
    shared.save(["busybox"], archive.write)
    said = peers.ask_buildkit(all_cases(), archive.getvalue(), tmp_path)
    assert said == {case.name: case.expected() for case in all_cases()}


def test_there_is_an_answer_to_each_case_and_a_reason_for_each_difference() -> None:
    stored = {path.stem for path in EXPECTED.glob("*.json")}
    assert stored == set(NAMES)
    unexplained = [
        f"{case.name}: {key}" for case in all_cases() for key, difference in case.differs.items()
        if not difference.get("why")
    ]  # fmt: skip
    assert not unexplained
