"""The example alerts ask for figures that there are."""

from __future__ import annotations

import re
from pathlib import Path

import yaml
from msgspec.structs import replace
from prometheus_client.parser import text_string_to_metric_families

from dockyard.serving import metrics
from dockyard.serving.activator.model import Figures as Held
from dockyard.serving.gateway.stats import Figures
from dockyard.serving.model import Route, Service, Variant
from dockyard.serving.records import Standing
from dockyard.serving.sight import Sight, Usage
from dockyard.serving.verbs import Status

RULES = Path(__file__).parents[3] / "examples" / "alerts" / "dockyard.yml"


def sight() -> Sight:
    variant = Variant(name="embed", port=80)
    service = Service(
        project="demo", name="embed", route=Route(listen="127.0.0.1:80"), variants=(variant,)
    )
    figures = Figures(by_class={"2": 9, "5": 1}, times={10.0: 4, float("inf"): 10}, time_sum=500.0)
    return Sight(
        status=Status(service=service, variant=variant, standing=Standing(), share=100.0),
        gateway=figures, activator=Held(cold=2), usage=Usage(cpu_ns={"a": 3 * 10**9}),
        cpu_seconds=5.0,
    )  # fmt: skip


def test_alerts_ask_for_what_is_counted() -> None:
    families = list(text_string_to_metric_families(metrics.page([sight()]).decode()))
    known = {sample.name for family in families for sample in family.samples}
    rules = yaml.safe_load(RULES.read_text())["groups"][0]["rules"]
    asked = {name for rule in rules for name in re.findall(r"dockyard_\w+", rule["expr"])}
    assert len(rules) == 5
    assert asked <= known


def test_figures_are_in_base_units() -> None:
    page = metrics.page([sight()]).decode()
    found = {
        (sample.name, sample.labels.get("le", ""), sample.labels.get("code", "")): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
    }
    assert found["dockyard_request_seconds_bucket", "0.01", ""] == 4
    assert found["dockyard_request_seconds_sum", "", ""] == 0.5
    assert found["dockyard_requests_total", "", "5xx"] == 1
    assert found["dockyard_cold_starts_total", "", ""] == 2
    assert found["dockyard_cpu_seconds_total", "", ""] == 5
    assert found["dockyard_traffic_share", "", ""] == 1


def test_a_counter_that_can_not_be_told_is_left_out() -> None:
    page = metrics.page([replace(sight(), cpu_seconds=None)]).decode()
    assert "dockyard_cpu_seconds_total{" not in page
