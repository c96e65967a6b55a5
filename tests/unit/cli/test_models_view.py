from __future__ import annotations

from dockyard.cli import models_view as view
from dockyard.models.documents import Config, Technical
from dockyard.models.model import Contents, Model


def model(name: str, *names: str, size: int = 1000) -> Model:
    said = Config(config=Technical(format="gguf", param_size="8B"))
    return Model(
        id=f"sha256:{name * 64}", manifest=b"", config_bytes=b"", media_type="",
        contents=Contents(format="docker", parts=(), config=said), names=names, size=size,
    )  # fmt: skip


ONE = model("1", "docker.io/ai/llama:8b", "example.com/ai/llama:8b")
TWO = model("2")


def test_every_name_has_a_row_and_one_without_a_name_too() -> None:
    rows = view.rows([ONE, TWO], 10**9, {ONE.id: 2})

    assert [(one["Repository"], one["Tag"], one["Containers"]) for one in rows] == [
        ("ai/llama", "8b", "2"), ("example.com/ai/llama", "8b", "2"), ("<none>", "<none>", "0"),
    ]  # fmt: skip
    assert rows[0]["ID"] == "1" * 12
    assert rows[0]["Parameters"] == "8B"
    assert rows[0]["Packaging"] == "docker"
    assert rows[0].keys() == view.TITLES.keys()


def test_names_and_filters_choose() -> None:
    def chosen(name: str | None = None, *filters: tuple[str, str]) -> list[tuple[str, ...]]:
        return [one.names for one in view.select([ONE, TWO], name, filters)]

    assert chosen() == [ONE.names, ()]
    assert chosen("ai/llama") == [("docker.io/ai/llama:8b",)]
    assert chosen("*/ai/*:8b") == [("example.com/ai/llama:8b",)]
    assert chosen(None, ("reference", "nothing")) == []
    assert chosen(None, ("dangling", "true")) == [()]
    assert chosen(None, ("dangling", "false")) == [ONE.names]
