from __future__ import annotations

import importlib
import json
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

EXAMPLE = Path(__file__).parents[3] / "examples" / "rag"


@pytest.fixture(autouse=True)
def example_on_path(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The example is no package of ours: its modules are importable only during a test."""
    monkeypatch.syspath_prepend(str(EXAMPLE / "api"))
    yield
    for name in [name for name in sys.modules if name == "app" or name.startswith("app.")]:
        del sys.modules[name]


@pytest.fixture
def model() -> ModuleType:
    return importlib.import_module("app.model")


@pytest.fixture
def requests() -> ModuleType:
    return importlib.import_module("app.requests")


@pytest.fixture
def rank() -> ModuleType:
    return importlib.import_module("app.rank")


@pytest.fixture
def split() -> ModuleType:
    return importlib.import_module("app.split")


def texts(split: ModuleType, model: ModuleType, text: str) -> list[str]:
    return [passage.text for passage in split.passages(model.Document("d", "Title", text))]


class TestPassages:
    def test_short_paragraphs_are_joined(self, split: ModuleType, model: ModuleType) -> None:
        assert texts(split, model, "one\n\n\ntwo\n \nthree\n") == ["one\n\ntwo\n\nthree"]

    def test_none_is_longer_than_the_model_reads_and_nothing_is_lost(
        self, split: ModuleType, model: ModuleType
    ) -> None:
        text = "\n\n".join("A sentence of a few words. " * count for count in (3, 200, 1, 40))
        found = texts(split, model, text)
        assert max(map(len, found)) <= split.LONGEST
        assert " ".join(found).split() == text.split()

    def test_a_paragraph_without_any_blank_is_cut(
        self, split: ModuleType, model: ModuleType
    ) -> None:
        assert "".join(texts(split, model, "x" * 5000)) == "x" * 5000

    def test_places_have_ids_of_their_own(self, split: ModuleType, model: ModuleType) -> None:
        found = split.passages(model.Document("d", "Title", "word " * 1000))
        assert len({passage.id for passage in found}) == len(found) > 1

    @pytest.mark.parametrize("text", ["", "\n\n", "   "])
    def test_no_text_is_no_passage(self, split: ModuleType, model: ModuleType, text: str) -> None:
        assert texts(split, model, text) == []


class TestOrder:
    def hit(self, model: ModuleType, text: str, score: float) -> Any:
        return model.Hit(model.Passage("d", "Title", 0, text), score)

    def test_a_rare_word_of_the_question_wins_among_like_scores(
        self, rank: ModuleType, model: ModuleType
    ) -> None:
        hits = [self.hit(model, "strings are split", 0.60), self.hit(model, "strings end", 0.59),
                self.hit(model, "strings: splitlines", 0.58)]  # fmt: skip
        found = rank.best("Which strings have an end?", hits, 2)
        assert [hit.passage.text for hit in found] == ["strings end", "strings are split"]

    def test_meaning_wins_over_words(self, rank: ModuleType, model: ModuleType) -> None:
        hits = [self.hit(model, "another way to put it", 0.8), self.hit(model, "exactly so", 0.3)]
        assert rank.best("exactly so", hits, 1)[0].score == 0.8

    def test_no_hits_are_no_answer(self, rank: ModuleType) -> None:
        assert rank.best("anything", [], 5) == []


class TestRequests:
    def test_a_question_has_five_answers_by_default(self, requests: ModuleType) -> None:
        assert requests.parse_question(b'{"question": "why?"}') == requests.Question("why?", 5)

    @pytest.mark.parametrize(
        ("body", "words"),
        [
            (b"why?", "no JSON"),
            (b"[]", "must be a JSON object"),
            (b'{"question": " "}', "isn't empty"),
            (b'{"question": "why?", "k": 0}', "from 1 to 20"),
            (b'{"question": "why?", "k": true}', "from 1 to 20"),
            (json.dumps({"question": "y" * 1001}).encode(), "longer than 1000"),
        ],
    )
    def test_what_is_no_question_is_refused(
        self, requests: ModuleType, body: bytes, words: str
    ) -> None:
        with pytest.raises(requests.BadRequest, match=words):
            requests.parse_question(body)

    @pytest.mark.parametrize(
        ("documents", "words"),
        [
            ([], "a list of 1 to 100"),
            (["text"], r"documents\[0\] must be an object"),
            ([{"id": "a", "text": ""}], r"documents\[0\].text"),
            ([{"id": "a", "text": "nul \0"}], r"documents\[0\].text"),
            ([{"id": "i" * 201, "text": "a"}], "longer than 200 bytes"),
            ([{"id": "a", "text": "b"}, {"id": "a", "text": "c"}], "the same id"),
        ],
    )
    def test_what_are_no_documents_is_refused(
        self, requests: ModuleType, documents: list[Any], words: str
    ) -> None:
        with pytest.raises(requests.BadRequest, match=words):
            requests.parse_documents(json.dumps({"documents": documents}).encode())


def test_every_labelled_question_has_an_answer_in_the_sample(split: ModuleType) -> None:
    sample = importlib.import_module("app.sample")
    found = [
        " ".join(passage.text.split())
        for document in sample.documents()
        for passage in split.passages(document)
    ]
    questions = tomllib.loads((EXAMPLE / "questions.toml").read_text())["question"]
    assert len(questions) == 30
    unanswerable = [
        question["text"]
        for question in questions
        if not any(phrase in text for phrase in question["says"] for text in found)
    ]
    # The sample is that of the Python which runs this; another version words some of it anew.
    assert len(unanswerable) <= (0 if sys.version_info[:2] == (3, 11) else 6)
