"""Batches with real containers: each id of the input gets one result or one rejection."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path

import pytest
from tests.support.batches import PYTHON, Case, batch_containers, kill_some
from tests.support.roots import Root, command_line
from tests.support.terminal import Terminal
from tests.support.waiting import until

from dockyard import Engine, Options
from dockyard.batch.model import Progress
from dockyard.errors import DockyardError

SOAK = int(os.environ.get("DOCKYARD_SOAK", "0"))
SED = ("busybox", "sed", 's/}$/, "seen": true}/')


@pytest.fixture
def case(root: Root, tmp_path: Path) -> Case:
    return Case(root, tmp_path)


def test_lines_go_in_and_results_come_out_in_the_order_of_the_input(case: Case) -> None:
    ids = case.write({"id": f"r{n}", "n": n} for n in range(1000))
    done = case.run("--shards", "7", "--parallel", "3", image=SED)
    lines = [line for path in sorted(case.output.glob("shard-*.jsonl"))
             for line in path.read_text().splitlines()]  # fmt: skip
    assert [json.loads(line) for line in lines] == [
        {"id": own, "n": n, "seen": True} for n, own in enumerate(ids)
    ]  # fmt: skip
    assert "Records:  1000: 1000 results, 0 rejected" in done.stdout
    assert "Shards:   7 of 7 done" in done.stdout
    assert done.stderr == ""
    found = case.manifest()
    assert (found["records"], found["results"], found["rejected"]) == (1000, 1000, 0)
    assert sum(each["results"] for each in found["shards"]) == 1000
    assert found["cpuSeconds"] > 0
    assert batch_containers(case.root) == 0
    assert [each.name for each in (Path(case.root.paths.root) / "batches").glob("*/*")] == ["logs"]


def test_every_kind_of_input(case: Case) -> None:
    csv = case.directory / "data.csv"
    csv.write_text('key,text\na,"1, 2"\nb,\n')
    case.input = csv
    case.run("--id", "key", image=("busybox", "sed", 's/"key":/"more":1,"key":/'))
    assert json.loads((case.output / "shard-0000.jsonl").read_text().splitlines()[0]) == {
        "more": 1, "key": "a", "text": "1, 2",
    }  # fmt: skip
    folder = case.directory / "folder"
    (folder / "sub").mkdir(parents=True)
    (folder / "one.txt").write_text("12345")
    (folder / "sub" / "two.txt").write_text("123")
    case.input, case.output = folder, case.directory / "of-folder"
    case.run()
    assert {own: each["length"] for own, each in case.results().items()} == {
        "one.txt": 5, "sub/two.txt": 3,
    }  # fmt: skip
    numbered = case.directory / "numbered.jsonl"
    numbered.write_text('{"text": "ab"}\n\n{"text": "abc"}\n')
    case.input, case.output = numbered, case.directory / "of-lines"
    case.run()
    assert {own: each["length"] for own, each in case.results().items()} == {"1": 2, "3": 3}


def test_parquet(case: Case) -> None:
    parquet, arrow = pytest.importorskip("pyarrow.parquet"), pytest.importorskip("pyarrow")
    case.input = case.directory / "data.parquet"
    parquet.write_table(arrow.table({"id": list(range(50)), "n": list(range(50))}), case.input)
    case.run(image=SED)
    assert len(case.results()) == 50


def test_poison_and_rejections_cost_only_themselves(case: Case) -> None:
    case.write(
        {"id": n, "text": "x" * n, "do": {50: "crash", 77: "reject", 120: "crash once"}.get(n)}
        for n in range(200)
    )
    done = case.run("--shards", "2", "--tries", "2")
    assert case.rejections() == {
        "50": "the container ended with exit code 3: this one is poison", "77": "not my language",
    }  # fmt: skip
    assert {own: each["length"] for own, each in case.results().items()} == {
        str(n): n for n in range(200) if n not in {50, 77}
    }  # fmt: skip
    assert "Records:  200: 198 results, 2 rejected" in done.stdout
    batch = case.root.cli("batch", "ls", "-q", check=True).stdout.strip()
    logs = case.root.cli("batch", "logs", "--shard", "0", batch, check=True).stdout
    assert "--- shard 0, try 1\nthis one is poison\n" in logs
    again = case.run("--shards", "2", "--tries", "2", "--fail-on-reject", check=False)
    assert again.returncode == 1


@pytest.mark.parametrize(("do", "reason"), [
    ({"do": "skip"}, "the container ended without an answer to it"),
    ({"do": "twice"}, 'it answered the id "2" twice'),
    ({"do": "say", "text": '{"id": "else"}'}, 'it answered the id "else", which it was not given'),
    ({"do": "say", "text": "Loading ..."}, "no JSON object: Loading ..."),
    ({"do": "say", "text": '{"no": "id"}'}, 'has no "id"'),
])  # fmt: skip
def test_what_breaks_the_contract_is_found_out(case: Case, do: dict[str, str], reason: str) -> None:
    case.write({"id": n, **(do if n == 2 else {})} for n in range(5))
    case.run("--tries", "1")
    assert case.results().keys() == {"0", "1", "3", "4"}
    assert reason in case.rejections()["2"]


def test_a_program_that_prints_garbage_alone_fails_its_batch(case: Case) -> None:
    case.write({"id": n} for n in range(100))
    done = case.run("--shards", "20", image=("busybox", "echo", "hello"), check=False)
    assert done.returncode == 1
    assert "no JSON object: hello" in done.stderr
    assert case.outcomes() == Counter()
    assert "failed" in case.root.cli("batch", "ls").stdout
    assert batch_containers(case.root) == 0


def test_a_program_that_is_not_there_ends_it_at_once(case: Case) -> None:
    case.write([{"id": 1}])
    done = case.run(image=("busybox", "nothing-here"), check=False)
    assert done.returncode == 127
    assert "nothing-here" in done.stderr


def test_silence_and_want_of_memory_are_said(case: Case) -> None:
    case.write({"id": n, "do": {1: "sleep", 2: "eat"}.get(n)} for n in range(4))
    case.run("--tries", "1", "--timeout", "2s", "-m", "64m")
    assert case.results().keys() == {"0", "3"}
    assert case.rejections()["1"] == "the container gave no sign of life for 2 s"
    assert "killed for memory, its limit of 64 MiB was reached" in case.rejections()["2"]


SERVE = (*PYTHON, "serve")


def test_http(case: Case) -> None:
    special = {3: "refuse", 5: "fail", 7: "crash", 9: "busy once", 11: "reject", 13: "crash once",
               25: "sicken once"}  # fmt: skip
    case.write({"id": n, "text": "x" * n, "do": special.get(n)} for n in range(60))
    words = case.words("--port", "8000", "--shards", "3", "--tries", "2", "--parallel", "2",
                       image=SERVE)  # fmt: skip
    case.root.cli(*(each if each != "none" else "bridge" for each in words), check=True)
    assert case.rejections() == {
        "3": 'HTTP 422: {"detail": "too long"}',
        "5": 'HTTP 500: {"detail": "boom"}',
        "7": "the container ended with exit code 3: this one is poison",
        "11": "not my language",
    }  # fmt: skip
    assert {own: each["length"] for own, each in case.results().items()} == {
        str(n): n for n in range(60) if n not in {3, 5, 7, 11}
    }  # fmt: skip
    assert batch_containers(case.root) == 0


def test_files_by_http(case: Case) -> None:
    folder = case.directory / "folder"
    folder.mkdir()
    (folder / "a b.bin").write_bytes(b"\0" * 100_000)
    case.input = folder
    words = case.words("--port", "8000", image=SERVE)
    case.root.cli(*(each if each != "none" else "bridge" for each in words), check=True)
    assert case.results() == {"a b.bin": {"id": "a b.bin", "length": 100_000}}


def test_servers_of_a_killed_batch_end_with_the_next_look(case: Case) -> None:
    case.write({"id": n, "seconds": 0.1} for n in range(200))
    words = case.words("--port", "8000", "--shards", "4", "--parallel", "2", image=SERVE)
    words = tuple(each if each != "none" else "bridge" for each in words)
    running = case.root.start(*words)
    until(lambda: list(case.output.glob("shard-*.jsonl")))
    running.send_signal(signal.SIGKILL)
    running.wait()
    assert batch_containers(case.root) == 2, "a server doesn't see that nobody asks any more"
    assert "interrupted" in case.root.cli("batch", "ls").stdout
    assert batch_containers(case.root) == 0
    case.root.cli(*words, check=True)
    assert case.outcomes() == Counter(map(str, range(200)))


def test_progress_is_drawn_on_a_terminal(case: Case) -> None:
    case.write({"id": n, "seconds": 0.02} for n in range(200))
    with Terminal() as terminal:
        terminal.start(command_line(case.words("--shards", "2", "--parallel", "2")),
                       case.root.environment())  # fmt: skip
        terminal.expect("/200, ")
        terminal.expect(" left, 2 at work")
        terminal.expect("Shards:   2 of 2 done")
        assert terminal.wait() == 0


def test_a_server_that_is_never_ready_says_so(case: Case) -> None:
    case.write([{"id": 1}])
    words = case.words("--port", "8000", "--ready-timeout", "1s", "--tries", "1",
                       image=("busybox", "sh", "-c", "echo waiting; sleep 100"))  # fmt: skip
    done = case.root.cli(*(each if each != "none" else "bridge" for each in words))
    assert done.returncode == 1
    assert "did not answer at http://127.0.0.1" in done.stderr
    assert "waiting" in done.stderr
    assert batch_containers(case.root) == 0


@pytest.mark.parametrize(("text", "words"), [
    ('{"id": 1}\n{"id": 2,}\n', "data.jsonl:2: no JSON"),
    ('{"id": 1}\n{"id": 1}\n', 'data.jsonl:2: the id "1" is that of'),
    ("", "has no records"),
])  # fmt: skip
def test_a_wrong_input_leaves_nothing(case: Case, text: str, words: str) -> None:
    case.input.write_text(text)
    done = case.run(image=SED, check=False)
    assert done.returncode == 1
    assert words in done.stderr
    assert not case.output.exists()
    assert case.root.cli("batch", "ls", "-q").stdout == ""


def test_what_can_not_be_asked_for(case: Case) -> None:
    case.write([{"id": 1}])
    for changed, words in [
        (("--input", str(case.directory / "none.jsonl")), "does not exist"),
        (("--path", "/x"), "--path needs --port"),
        (("--shards", "-1"), "shards"),
    ]:
        done = case.run(*changed, image=SED, check=False)
        assert done.returncode in {1, 125}
        assert words in done.stderr
    done = case.run("--pull", "never", image=("no-such-image", "true"), check=False)
    assert done.returncode == 125
    assert "no-such-image" in done.stderr
    case.output.write_text("a file")
    assert "cannot write output" in case.run(image=SED, check=False).stderr


def test_two_batches_into_one_output_are_refused(case: Case) -> None:
    case.write({"id": n, "seconds": 0.1} for n in range(100))
    first = case.start("--shards", "2")
    until((case.output / ".batch").exists)
    until(lambda: batch_containers(case.root))
    second = case.run(check=False)
    assert second.returncode == 1
    assert "another batch writes to output" in second.stderr
    first.send_signal(signal.SIGINT)
    _, said = first.communicate(timeout=60)
    assert first.returncode == 130
    assert "batch canceled, dockyard batch resume goes on with it" in said
    assert batch_containers(case.root) == 0
    other = case.run("--shards", "3", check=False)
    assert "whose number of shards was another" in other.stderr
    case.run("--shards", "2", "--parallel", "4")
    assert case.outcomes() == Counter(map(str, range(100)))
    assert case.run("--shards", "2").returncode == 0, "it is done, and left alone"
    case.write([{"id": "other"}])
    assert "whose input was another" in case.run("--shards", "2", check=False).stderr


def test_another_command_cancels_and_resumes(case: Case) -> None:
    case.write({"id": n, "seconds": 0.5} for n in range(40))
    running = case.start("--shards", "4", "--parallel", "2", "-q")
    until(lambda: batch_containers(case.root))
    batch = case.root.cli("batch", "ls", "--format", "{{.ID}} {{.Status}}").stdout.split()
    assert batch[1] == "running"
    assert "another batch writes" in case.root.cli("batch", "resume", batch[0]).stderr
    assert case.root.cli("batch", "cancel", batch[0][:6], check=True).stdout == f"{batch[0]}\n"
    running.communicate(timeout=60)
    assert running.returncode == 1
    status = json.loads(case.root.cli("batch", "status", "--format", "json", batch[0]).stdout)
    assert status["Status"] == "canceled"
    assert batch_containers(case.root) == 0
    case.root.cli("batch", "resume", "--parallel", "4", batch[0], check=True)
    assert case.outcomes() == Counter(map(str, range(40)))
    assert "is done" in case.root.cli("batch", "cancel", batch[0]).stderr
    case.root.cli("batch", "rm", batch[0], check=True)
    assert case.root.cli("batch", "ls", "-q").stdout == ""
    assert case.results()


def test_a_killed_batch_is_interrupted_and_goes_on_where_it_was(case: Case) -> None:
    case.write({"id": n, "seconds": 0.02} for n in range(200))
    running = case.start("--shards", "4", "--parallel", "2")
    until(lambda: list(case.output.glob("shard-*.jsonl")))
    committed = {path: path.stat().st_mtime_ns for path in case.output.glob("shard-*.jsonl")}
    until(lambda: not any(map(case.has_journal, committed)))  # it is written down that they are
    running.send_signal(signal.SIGKILL)
    running.wait()
    listed = case.root.cli("batch", "ls", "--format", "{{.ID}} {{.Status}}").stdout.split()
    assert listed[1] == "interrupted"
    assert batch_containers(case.root) == 0, "whatever the batch had started is gone"
    lost = committed.popitem()[0]
    lost.unlink()
    case.root.cli("batch", "resume", listed[0], check=True)
    assert case.outcomes() == Counter(map(str, range(200)))
    assert {path: path.stat().st_mtime_ns for path in committed} == committed
    assert lost.exists()


def test_each_record_once_whatever_is_killed(case: Case) -> None:
    """The command and its containers, with SIGKILL, at random moments."""
    count, most = (100_000, 40) if SOAK else (2_000, 3)
    dice = random.Random(7)
    poison = {dice.randrange(count) for _ in range(2)}
    ids = case.write(
        {"id": f"record-{n}", "text": "x" * (n % 50), "do": "crash" if n in poison else None,
         "seconds": 0.002} for n in range(count)
    )  # fmt: skip
    commands = containers = 0
    while not (case.output / "_SUCCESS").exists():
        running = case.start("--shards", str(max(8, count // 1000)), "--parallel", "4",
                             "--tries", "4")  # fmt: skip
        deadline = time.monotonic() + dice.uniform(1, 6)
        while running.poll() is None and (commands == most or time.monotonic() < deadline):
            time.sleep(dice.uniform(0.5, 1.5))
            containers += containers < 2 * most and kill_some(case.root, dice)
        if running.poll() is None:
            running.send_signal(signal.SIGKILL)
            commands += 1
        _, said = running.communicate(timeout=60)
        assert running.returncode in {0, -signal.SIGKILL}, said
    assert case.outcomes() == Counter(ids)
    assert case.rejections().keys() == {f"record-{n}" for n in poison}
    assert commands
    assert containers
    print(f"{count} records, {commands} commands and {containers} containers killed")


def test_a_full_output_is_said_and_gone_on_with(case: Case, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "none", small], check=True)
    try:
        case.output = small / "out"
        case.write({"id": n, "text": "x" * 1000} for n in range(1000))
        done = case.run("--shards", "4", "--parallel", "1", image=SED, check=False)
        assert done.returncode == 1
        assert "no space left to write" in done.stderr
        batch = case.root.cli("batch", "ls", "-q").stdout.strip()
        assert f"dockyard batch resume {batch}" in done.stderr
        subprocess.run(["mount", "-o", "remount,size=8m", small], check=True)
        case.root.cli("batch", "resume", batch, check=True)
        assert len(case.results()) == 1000
    finally:
        subprocess.run(["umount", small], check=True)


def test_a_service_of_a_compose_file(case: Case, tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text(
        "services:\n  label:\n    image: busybox\n    environment: {LABEL: cat}\n"
        "    network_mode: none\n"
        '    command: [sh, -c, \'sed "s/}$/, \\"label\\": \\"$$LABEL\\"}/"\']\n'
    )
    case.write([{"id": 1}, {"id": 2}])
    words = ("batch", "run", "-f", str(tmp_path / "compose.yaml"), "--input", str(case.input),
             "--output", str(case.output))  # fmt: skip
    case.root.cli(*words, "-e", "LABEL=dog", "label", check=True)
    assert [each["label"] for each in case.results().values()] == ["dog", "dog"]
    assert case.root.cli(*words, "-e", "LABEL=dog", "label").returncode == 0, "it is the same"
    refused = case.root.cli(*words, "-m", "1g", "label")
    assert "--memory can't be given for a service" in refused.stderr
    case.root.cli("compose", "-f", str(tmp_path / "compose.yaml"), "down")


def test_from_python(engine: Engine, tmp_path: Path) -> None:
    data = tmp_path / "data.jsonl"
    data.write_text("".join(f'{{"id": {n}}}\n' for n in range(20)))
    seen: list[Progress] = []
    batch = engine.batches.run(
        "busybox", input=str(data), output=str(tmp_path / "out"), command=list(SED[1:]),
        options=Options(), shards=2, listener=seen.append,
    )  # fmt: skip
    assert (batch.state, batch.counts.results, batch.shards) == ("done", 20, 2)
    assert seen[-1].counts.results == 20
    assert [each.state for each in engine.batches.shards(batch)] == ["done", "done"]
    with pytest.raises(DockyardError, match="is not empty"):
        engine.batches.run("busybox", input=str(data), output=str(tmp_path))
