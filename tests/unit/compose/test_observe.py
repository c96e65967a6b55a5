"""Which containers are a project's, and what they tell of it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from tests.support.compose import observed, project, running, situation

from dockyard.compose import labels, observe, order, selection
from dockyard.containers.options import Options


def test_a_projects_name_alone_makes_no_container_its_own() -> None:
    made = observed("demo-web-1", running(project({"web": {}}))["demo-web-1"], "running", 1)
    labelled = Options(labels={labels.PROJECT: "other", labels.SERVICE: "web"})
    foreign = observed("foreign", labelled, "running", 2)
    present = (made.record, foreign.record)
    engine: Any = SimpleNamespace(containers=SimpleNamespace(all=lambda: present))

    assert [each.name for each in observe.projects(engine)] == ["demo"]
    assert [labels.is_ours(each.labels) for each in present] == [True, False]


def test_what_is_left_of_a_project_can_be_worked_on_without_files() -> None:
    wanted = project({"web": {"depends_on": ["db"]}, "db": {}})
    stack = situation(wanted, running(wanted, "web")).stack

    found = selection.of_stack(stack)
    assert order.graph(found) == {"web": {}}
    assert sorted(selection.selected(found, ["web"]).services) == ["web"]
