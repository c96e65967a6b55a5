"""examples/rag as a user has it: brought up once, asked, hurt, and taken down.

With ``DOCKYARD_SOAK`` the same with PostgreSQL and pgvector as its vector database. It is one test,
for what it needs takes long to come up, and each check goes on with what the one before left.
"""

from __future__ import annotations

import json
import os
import signal
import tomllib
from collections.abc import Callable
from functools import partial

import pytest
from tests.support import bases, rag
from tests.support.rag import Stack
from tests.support.roots import Root
from tests.support.waiting import until

QUESTION = "When are default values of parameters evaluated?"
K = 5
RECALL = 0.8
SECONDS = rag.PATIENCE_SECONDS
SOAK = pytest.mark.skipif(not os.environ.get("DOCKYARD_SOAK"), reason="make soak does it")
PGVECTOR = "compose.pgvector.yaml"


@pytest.mark.long
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("with_postgres", [False, pytest.param(True, marks=SOAK)])
def test_the_stack_answers_heals_and_keeps_its_data(
    make_root: Callable[..., Root], with_postgres: bool
) -> None:
    root = make_root(images=False)
    bases.furnish(rag.images(*(rag.PGVECTOR if with_postgres else ())), root.paths)
    files = ("compose.yaml", PGVECTOR) if with_postgres else ("compose.yaml",)
    database = "postgres" if with_postgres else "vectors"
    stack = Stack(root, rag.place(root), *files)
    stack.up()
    stack.load()
    recall_at_5_is_at_least_0_8(stack)
    the_second_ask_comes_from_the_cache_until_the_texts_change(stack)
    wrong_requests_say_what_is_wrong(stack)
    prometheus_sees_all_of_it(stack)
    databases_are_on_a_network_without_a_way_out(stack, database)
    passwords_are_in_files_only(stack)
    without_the_database_it_is_a_503_and_without_the_cache_an_answer(stack, database)
    whatever_is_killed_from_the_host_heals(stack)
    after_down_and_up_the_data_is_still_there(stack)
    down_with_volumes_leaves_nothing(stack)


def services(stack: Stack) -> list[str]:
    return sorted(stack.compose("ps", "--services").split())


def recall_at_5_is_at_least_0_8(stack: Stack) -> None:
    text = (stack.directory / "questions.toml").read_text(encoding="utf-8")
    questions = tomllib.loads(text)["question"]
    missed = []
    for question in questions:
        found = [
            " ".join(one["text"].split()) for one in stack.ask(question["text"], K)["passages"]
        ]
        if not any(phrase in passage for phrase in question["says"] for passage in found):
            missed.append(question["text"])
    assert len(questions) == 30
    assert 1 - len(missed) / len(questions) >= RECALL, missed


def the_second_ask_comes_from_the_cache_until_the_texts_change(stack: Stack) -> None:
    first, second = stack.ask(QUESTION, 3), stack.ask(f" {QUESTION} ", 3)
    assert (first["cache"], second["cache"]) == ("miss", "hit")
    assert second["passages"] == first["passages"]
    assert stack.ask(QUESTION, 4)["cache"] == "miss"

    before = stack.passages()
    note = {"id": "it's \"a\\note", "title": "Harbour", "text": "The ferry leaves at noon."}
    assert stack.call("documents", {"documents": [note]}) == (200, {"documents": 1, "passages": 1})
    found = stack.ask("When does the ferry leave?", 1)["passages"][0]
    assert (found["document"], found["text"]) == (note["id"], note["text"])
    assert stack.ask(QUESTION, 3)["cache"] == "miss"

    note["text"] = "The ferry leaves at dusk."
    assert stack.call("documents", {"documents": [note]})[0] == 200
    assert stack.passages() == before + 1
    assert stack.ask("When does the ferry leave?", 1)["passages"][0]["text"] == note["text"]


def wrong_requests_say_what_is_wrong(stack: Stack) -> None:
    for path, body, status, words in (
        ("ask", {"question": ""}, 400, "isn't empty"),
        ("documents", {"documents": []}, 400, "a list of 1 to 100"),
        ("nowhere", None, 404, "Not Found"),
        ("documents", {"documents": [{"id": "x", "text": "y" * (5 << 20)}]}, 413, "larger than"),
    ):
        answered, answer = stack.call(path, body)
        assert (answered, words in answer["error"]["message"]) == (status, True), answer


def prometheus_sees_all_of_it(stack: Stack) -> None:
    jobs = {"api", "cache", "embeddings", "prometheus", "vectors"}
    until(lambda: stack.measured("up") == dict.fromkeys(jobs, 1.0), SECONDS)
    until(lambda: stack.measured("redis_up").get("cache") == 1.0, SECONDS)
    until(lambda: stack.measured('rag_questions_total{cache="hit"}').get("api", 0) >= 1, SECONDS)


def databases_are_on_a_network_without_a_way_out(stack: Stack, database: str) -> None:
    for service in (database, "cache", "embeddings"):
        found = stack.inspect(service)
        assert list(found["NetworkSettings"]["Networks"]) == ["rag_inner"]
        assert not any(found["NetworkSettings"]["Ports"].values())
    routes = stack.compose("exec", "-T", "embeddings", "cat", "/proc/net/route").splitlines()[1:]
    assert routes
    assert "00000000" not in {route.split()[1] for route in routes}, "there is a default route"


def passwords_are_in_files_only(stack: Stack) -> None:
    shown = stack.compose("top") + json.dumps([stack.inspect(one) for one in services(stack)])
    for path in (stack.directory / "secrets").iterdir():
        text = path.read_text(encoding="utf-8").strip()
        password = next(iter(json.loads(text).values())) if path.suffix == ".json" else text
        assert len(password) > 20
        assert password not in shown, path


def without_the_database_it_is_a_503_and_without_the_cache_an_answer(
    stack: Stack, database: str
) -> None:
    stack.compose("stop", database)
    status, answer = stack.call("ask", {"question": QUESTION})
    assert (status, answer["error"]["part"]) == (503, "vectors"), answer
    assert stack.call("healthz")[0] == 503
    stack.compose("start", database)

    stack.compose("stop", "cache")
    until(partial(is_answered, stack, QUESTION), SECONDS)
    assert stack.ask(QUESTION)["cache"] == "down"
    stack.compose("start", "cache")
    until(lambda: stack.ask(QUESTION)["cache"] == "hit", SECONDS)


def whatever_is_killed_from_the_host_heals(stack: Stack) -> None:
    for service in services(stack):
        killed = stack.inspect(service)["State"]["Pid"]
        os.kill(killed, signal.SIGKILL)
        until(partial(is_healed, stack, service, killed), SECONDS)
        until(partial(is_answered, stack, f"{QUESTION} {service}"), SECONDS)


def is_healed(stack: Stack, service: str, killed: int) -> bool:
    """True where another process runs in its container, and is healthy."""
    state = stack.inspect(service)["State"]
    running = (state["Status"], state["Health"]["Status"])
    return running == ("running", "healthy") and state["Pid"] != killed


def is_answered(stack: Stack, question: str) -> bool:
    return stack.call("ask", {"question": question})[0] == 200


def after_down_and_up_the_data_is_still_there(stack: Stack) -> None:
    passages, index = stack.passages(), stack.ask(QUESTION)["index"]
    stack.compose("down")
    assert not services(stack)
    stack.up()
    answer = stack.ask(QUESTION)
    assert (stack.passages(), answer["index"], answer["cache"]) == (passages, index, "hit")


def down_with_volumes_leaves_nothing(stack: Stack) -> None:
    stack.compose("down", "-v")
    for listing in (("ps", "-aq"), ("volume", "ls", "-q")):
        assert stack.root.cli(*listing, check=True).stdout == ""
    networks = stack.root.cli("network", "ls", "--format", "{{.Name}}", check=True).stdout.split()
    assert not [name for name in networks if name.startswith("rag")]
