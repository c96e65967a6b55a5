from __future__ import annotations

import importlib
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

EXAMPLE = Path(__file__).parents[3] / "examples" / "embeddings"


@pytest.fixture(autouse=True)
def example_on_path(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The example is no package of ours: its modules are importable only during a test."""
    monkeypatch.syspath_prepend(str(EXAMPLE))
    yield
    for name in [name for name in sys.modules if name in ("app", "ask") or name.startswith("app.")]:
        del sys.modules[name]


@pytest.fixture
def requests() -> ModuleType:
    return importlib.import_module("app.requests")


@pytest.fixture
def cpu() -> ModuleType:
    return importlib.import_module("app.cpu")


@pytest.fixture
def ask() -> ModuleType:
    return importlib.import_module("ask")


def body(**fields: Any) -> bytes:
    return json.dumps(fields).encode()


class TestThreads:
    @pytest.mark.parametrize(
        ("quota", "period", "cpus"),
        [
            ("100000", "100000", 1.0),
            ("150000", "100000", 1.5),
            ("max", "100000", None),
            ("-1", "100000", None),
            ("", "", None),
            ("100000", "0", None),
        ],
    )
    def test_a_quota_is_a_number_of_cpus(
        self, cpu: ModuleType, quota: str, period: str, cpus: float | None
    ) -> None:
        assert cpu.parse_quota(quota, period) == cpus

    def test_cgroup_v2_quota_bounds_the_threads(self, cpu: ModuleType, tmp_path: Path) -> None:
        (tmp_path / "cpu.max").write_text("50000 100000\n")
        assert cpu.thread_count({}, str(tmp_path)) == 1

    def test_cgroup_v1_quota_is_read_where_there_is_no_v2(
        self, cpu: ModuleType, tmp_path: Path
    ) -> None:
        (tmp_path / "cpu").mkdir()
        (tmp_path / "cpu" / "cpu.cfs_quota_us").write_text("250000\n")
        (tmp_path / "cpu" / "cpu.cfs_period_us").write_text("100000\n")
        assert cpu.read_quota(str(tmp_path)) == 2.5

    def test_without_a_quota_every_allowed_cpu_counts(
        self, cpu: ModuleType, tmp_path: Path
    ) -> None:
        assert cpu.thread_count({}, str(tmp_path)) == len(os.sched_getaffinity(0))

    def test_the_variable_wins(self, cpu: ModuleType, tmp_path: Path) -> None:
        assert cpu.thread_count({cpu.THREADS_VARIABLE: "7"}, str(tmp_path)) == 7

    @pytest.mark.parametrize("value", ["0", "-1", "many", "1.5"])
    def test_a_variable_that_is_no_count_is_refused(self, cpu: ModuleType, value: str) -> None:
        with pytest.raises(ValueError, match="positive whole number"):
            cpu.thread_count({cpu.THREADS_VARIABLE: value})


class TestRequests:
    def test_one_string_is_a_list_of_one(self, requests: ModuleType) -> None:
        wanted = requests.parse_embedding_request(body(input="hello"))
        assert (wanted.inputs, wanted.base64) == (["hello"], False)

    def test_openai_clients_ask_for_base64(self, requests: ModuleType) -> None:
        wanted = requests.parse_embedding_request(
            body(input=["a", "b"], model="all-MiniLM-L6-v2", encoding_format="base64")
        )
        assert (wanted.inputs, wanted.base64) == (["a", "b"], True)

    @pytest.mark.parametrize(
        ("fields", "param"),
        [
            ({}, "input"),
            ({"input": []}, "input"),
            ({"input": {"text": "a"}}, "input"),
            ({"input": ["a", 7]}, "input[1]"),
            ({"input": ["a", " \n"]}, "input[1]"),
            ({"input": "\ud800"}, "input[0]"),
            ({"input": "a" * 20_001}, "input[0]"),
            ({"input": ["a"] * 257}, "input"),
            ({"input": "a", "model": "gpt"}, "model"),
            ({"input": "a", "dimensions": 256}, "dimensions"),
            ({"input": "a", "encoding_format": ["float"]}, "encoding_format"),
        ],
    )
    def test_a_refusal_names_the_field(
        self, requests: ModuleType, fields: dict[str, Any], param: str
    ) -> None:
        with pytest.raises(requests.BadRequest) as refusal:
            requests.parse_embedding_request(body(**fields))
        assert refusal.value.param == param
        assert str(refusal.value).startswith(param)

    def test_an_unknown_model_is_not_found(self, requests: ModuleType) -> None:
        with pytest.raises(requests.BadRequest) as refusal:
            requests.parse_embedding_request(body(input="a", model="gpt"))
        assert refusal.value.status == 404

    @pytest.mark.parametrize("raw", [b"", b"{", b"\xff", b"[]", b"null", b"[" * 100_000])
    def test_what_is_no_json_object_is_refused(self, requests: ModuleType, raw: bytes) -> None:
        with pytest.raises(requests.BadRequest, match="the body"):
            requests.parse_similarity_request(raw)

    def test_a_matrix_has_a_smaller_limit(self, requests: ModuleType) -> None:
        assert len(requests.parse_similarity_request(body(sentences=["a"] * 64))) == 64
        with pytest.raises(requests.BadRequest, match="at most 64"):
            requests.parse_similarity_request(body(sentences=["a"] * 65))


class TestPooling:
    def test_padding_does_not_count_and_vectors_have_length_one(self) -> None:
        np = pytest.importorskip("numpy", reason="pooling works on numpy arrays")
        pooling = importlib.import_module("app.pooling")
        tokens = np.array([[[3.0, 0.0], [3.0, 8.0], [99.0, 99.0]]], dtype=np.float32)
        vectors = pooling.mean_pool(tokens, np.array([[1, 1, 0]]))
        np.testing.assert_allclose(vectors, [[0.6, 0.8]], rtol=1e-6)

    def test_similarity_is_the_cosine(self) -> None:
        np = pytest.importorskip("numpy", reason="pooling works on numpy arrays")
        pooling = importlib.import_module("app.pooling")
        vectors = np.array([[1.0, 0.0], [0.6, 0.8]], dtype=np.float32)
        np.testing.assert_allclose(
            pooling.similarities(vectors), [[1.0, 0.6], [0.6, 1.0]], rtol=1e-6
        )


class TestAsk:
    def test_the_table_names_the_closest_pair(self, ask: ModuleType) -> None:
        table = ask.render(
            ["cat", "law", "kitten"], [[1, 0.1, 0.55], [0.1, 1, -0.2], [0.55, -0.2, 1]]
        )
        assert table.splitlines()[1:] == [
            " 1  cat         -   0.10   0.55",
            " 2  law      0.10      -  -0.20",
            " 3  kitten   0.55  -0.20      -",
            "",
            'closest: "cat" and "kitten" (0.55)',
        ]

    def test_one_sentence_has_no_pair(self, ask: ModuleType) -> None:
        assert "closest" not in ask.render(["alone"], [[1.0]])

    def test_no_service_is_one_line_and_exit_code_one(
        self, ask: ModuleType, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert ask.main(["http://127.0.0.1:1"]) == 1
        assert capsys.readouterr().err.startswith("http://127.0.0.1:1: no answer")


def test_the_page_needs_nothing_from_elsewhere() -> None:
    page = (EXAMPLE / "app" / "page.html").read_text()
    outside = page.replace("http://www.w3.org/2000/svg", "")
    assert not any(mark in outside for mark in ("http:", "https:", "@import", "src="))
