"""Documents on disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from dockyard.errors import ComponentFailed
from dockyard.serving.gateway import files
from dockyard.serving.gateway.clusters import KIND
from dockyard.serving.gateway.documents import document, parse
from dockyard.serving.gateway.model import Files, Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = Settings(directory=str(tmp_path), admin="/a", access_log="/l")
    files.prepare(made)
    return made


def _of(*names: str, listeners: bytes = b"l", **routes: bytes) -> Files:
    return Files(
        clusters=document(KIND, [{"name": name} for name in names]), listeners=listeners,
        routes=routes,
    )  # fmt: skip


def _clusters(content: Files) -> set[object]:
    return {one["name"] for one in parse(content.clusters).resources}


def test_clusters_come_before_routes_and_go_after_them() -> None:
    before, after = _of("a", "b", x=b"1"), _of("b", "c", x=b"2", y=b"3")
    steps = files.stages(before, after)
    for step in steps:
        routed = {"a", "b"} if step.routes["x"] == b"1" else {"b", "c"}
        assert routed <= _clusters(step)
    assert steps[-1] == after


def test_a_route_table_is_there_before_its_listener_and_as_long_as_it() -> None:
    before, after = _of(x=b"1", listeners=b"x"), _of(y=b"2", listeners=b"y")
    for step in files.stages(before, after):
        assert step.listeners.decode() in step.routes


def test_stages_are_awaited_and_what_is_the_same_is_nothing_to_do(settings: Settings) -> None:
    seen: list[Files] = []

    def settle(stage: Files) -> str:
        seen.append(stage)
        return ""

    wanted = _of("a", x=b"1")
    assert files.publish(settings, wanted, settle)
    assert seen[-1] == wanted
    assert files.read(settings) == wanted
    seen.clear()
    assert not files.publish(settings, wanted, settle)
    assert seen == []


def test_what_is_refused_is_taken_back(settings: Settings) -> None:
    good = _of("a", x=b"1")
    files.publish(settings, good)
    with pytest.raises(ComponentFailed, match="refuses its configuration: no"):
        files.publish(settings, _of("b", x=b"2"), lambda stage: "no" if stage.routes["x"] == b"2"
                      else "")  # fmt: skip
    assert files.read(settings) == good


def test_documents_are_only_their_owners_and_no_temporary_one_stays(settings: Settings) -> None:
    files.publish(settings, _of("a", x=b"1"))
    below = [path for path in Path(settings.directory).rglob("*") if path.is_file()]
    assert {path.stat().st_mode & 0o777 for path in below} == {0o600}
    assert not any((Path(settings.directory) / "new").iterdir())


def test_a_start_needs_no_documents_and_changes_none(settings: Settings) -> None:
    files.publish(settings, _of("a", x=b"1"))
    before = files.read(settings)
    files.prepare(settings)
    assert files.read(settings) == before
