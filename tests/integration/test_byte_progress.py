"""What takes long tells a terminal how far it is, and nobody else; a library's caller, if asked."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.support.roots import Root
from tests.support.terminal import Terminal

from dockyard import Engine
from dockyard.observability.progress import Progress

QUIET = ("--network", "none")
SIZE = 9_000_000
AT_ONCE = (
    "from dockyard.cli import byte_progress as shown, main\n"
    "shown._PATIENCE_SECONDS = shown._FRAME_SECONDS = 0\n"
    "main.main()"
)
"""The program, without the second for which it says nothing."""


def impatient(arguments: Sequence[str]) -> list[str]:
    return [sys.executable, "-c", AT_ONCE, *arguments]


def shell(*words: str) -> str:
    return " ".join(f"'{word}'" for word in words)


def screen(text: str) -> list[str]:
    """The lines that stay, of a terminal that knows carriage returns and how to clear a line."""
    shown = []
    for line in text.replace("\r\n", "\n").split("\n"):
        left = ""
        for part in line.split("\r"):
            before, cleared, after = part.partition("\x1b[K")
            left = before + after if cleared else before + left[len(before) :]
        shown.append(left)
    return [line for line in shown if line]


@pytest.fixture
def box(root: Root, tmp_path: Path) -> Root:
    """A root with a container that has a file of nine megabytes, which the host has too."""
    (tmp_path / "file").write_bytes(bytes(SIZE))
    root.cli("run", "--name", "box", *QUIET, "busybox", "sh", "-c",
             f"head -c {SIZE} /dev/urandom > /file", check=True)  # fmt: skip
    root.cli("commit", "box", "saved", check=True)
    with root.engine() as engine:
        root.own(engine.images.find("saved"))
    root.cli("save", "-o", str(tmp_path / "saved.tar"), "saved", check=True)
    root.cli("export", "-o", str(tmp_path / "tree.tar"), "box", check=True)
    subprocess.run(["tar", "-cf", tmp_path / "file.tar", "-C", tmp_path, "file"], check=True)
    return root


def long_ones(place: Path) -> list[tuple[str, str, str]]:
    """Commands as a shell has them, what they tell while they work, and what stays."""

    def command(*words: str) -> str:
        return shell(*impatient(words))

    file, saved = str(place / "file"), str(place / "saved.tar")
    return [
        (command("cp", file, "box:/copy"), "Copying to container - 9MB / 9MB",
         "Successfully copied 9MB to box:/copy"),
        (command("cp", "box:/file", str(place / "out")), "Copying from container - 9MB / 9MB",
         "Successfully copied 9MB to"),
        (command("cp", "-", "box:/tmp") + f" < {place}/file.tar",
         "Copying to container - 9.01MB / 9.01MB", "Successfully copied 9MB to box:/tmp"),
        (command("cp", "box:/file", "-") + " | cat > /dev/null",
         "Copying from container - 9MB", ""),
        (command("save", "-o", f"{saved}.2", "saved"), r"Saving - 11.\dMB / 11.\dMB", ""),
        (command("save", "saved") + " | cat > /dev/null", r"Saving - 11.\dMB / 11.\dMB", ""),
        (command("export", "-o", f"{place}/tree", "box"), r"Exporting - \d+\.\dMB", ""),
        (command("commit", "box", "again"), r"Copying - 18MB / 18MB|Hashing - 18MB", "sha256:"),
        (command("import", f"{place}/tree.tar", "tree"), r"Reading - 11.\dMB / 11.\dMB", "sha256:"),
        (command("rmi", "-f", "saved", "again"), "", ""),
        (command("load", "-i", saved), r"Reading - 11.\dMB / 11.\dMB", "Loaded image: saved"),
    ]  # fmt: skip


def test_what_takes_long_is_seen_on_a_terminal_and_goes(box: Root, tmp_path: Path) -> None:
    for line, words, stays in long_ones(tmp_path):
        with Terminal() as tty:
            tty.start(["bash", "-c", line], box.environment())
            assert tty.wait() == 0, tty.rest
            assert re.search(words, tty.rest), (line, tty.rest)
            left = screen(tty.rest)
            drawn = [part for part in re.split(r"[\r\n]+", tty.rest) if " - " in part]
        assert all(len(part.removesuffix("\x1b[K")) < 80 for part in drawn)
        assert not [text for text in left if " - " in text]
        assert stays in "\n".join(left)


def test_nothing_of_it_goes_into_a_pipe_or_where_quiet_is_asked_for(
    box: Root, tmp_path: Path
) -> None:
    for line, words, _ in long_ones(tmp_path):
        done = subprocess.run(
            ["bash", "-c", line], env=box.environment(), capture_output=True, text=True, check=True
        )
        assert done.stderr == ""
        assert not words or not re.search(words, done.stdout)
    for quiet, said in ((["cp", "-q", "box:/file", str(tmp_path / "q")], ""),
                        (["load", "-q", "-i", str(tmp_path / "saved.tar")],
                         "Loaded image: saved:latest\r\n")):  # fmt: skip
        with Terminal() as tty:
            tty.start(impatient(quiet), box.environment())
            assert (tty.wait(), tty.rest) == (0, said)


def test_what_is_short_shows_nothing_and_what_is_slow_does(box: Root, tmp_path: Path) -> None:
    program = shell(sys.executable, "-m", "dockyard.cli.main")
    with Terminal() as tty:
        tty.start(["bash", "-c", f"{program} cp {tmp_path}/file box:/"], box.environment())
        assert tty.wait() == 0
        assert tty.rest == "Successfully copied 9MB to box:/\r\n"
    trickle = f"while [ ! -e {tmp_path}/go ]; do head -c 512; sleep 0.1; done; cat"
    slowly = f"({trickle}) < {tmp_path}/saved.tar | {program} load"
    with Terminal() as tty:
        tty.start(["bash", "-c", slowly], box.environment())
        tty.expect("Reading - ")
        (tmp_path / "go").touch()
        assert tty.wait() == 0
        assert screen("Reading - " + tty.rest) == ["Loaded image: saved:latest"]


def test_the_line_goes_where_the_work_fails(box: Root, tmp_path: Path) -> None:
    whole = (tmp_path / "saved.tar").read_bytes()
    (tmp_path / "torn.tar").write_bytes(whole[: SIZE // 2])
    with Terminal() as tty:
        tty.start(impatient(["load", "-i", str(tmp_path / "torn.tar")]), box.environment())
        assert tty.wait() == 1
        assert "Reading - " in tty.rest
        assert screen(tty.rest)[0].startswith("\x1b[31mdockyard:")


def test_a_program_hears_of_each_stage(engine: Engine, root: Root, tmp_path: Path) -> None:
    heard: list[Progress] = []
    with engine.run("busybox", ["sleep", "60"], network="none") as container:
        (tmp_path / "file").write_bytes(bytes(SIZE))
        engine.containers.copy_to(container.id, str(tmp_path / "file"), "/", progress=heard.append)
        assert heard[-1] == Progress("copying", SIZE, SIZE)
        heard.clear()
        image = engine.commit(container.id, "mine", progress=heard.append)
        assert {one.stage for one in heard} == {"copying", "hashing"}
        assert max(one.done for one in heard if one.stage == "hashing") == image.layers[-1].size
        heard.clear()
        container.remove(force=True)
    root.own(image)
    with open(tmp_path / "mine.tar", "wb") as stream:
        engine.save(["mine"], stream.write, progress=heard.append)
    size = (tmp_path / "mine.tar").stat().st_size
    assert heard[-1].done == size
    heard.clear()
    engine.images.remove("mine", force=True)
    engine.load(str(tmp_path / "mine.tar"), progress=heard.append)
    last = {one.stage: one for one in heard}
    assert list(last) == ["reading", "unpacking", "checking"]
    assert last["reading"] == Progress("reading", size, size)
    assert last["unpacking"].done == last["unpacking"].total
    assert [one.done for one in heard if one.stage == "unpacking"] == sorted(
        one.done for one in heard if one.stage == "unpacking"
    )
