"""Listings on a terminal of 80 columns, beside names that are longer: each line fits."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.roots import Root, command_line
from tests.support.terminal import Terminal

from dockyard.state.paths import Paths

COLUMNS = 80
CONTAINER = "a-container-whose-name-goes-on-and-on-" + "c" * 20
IMAGE = "localhost/team/with/a/long/path/an-image-whose-name-goes-on-" + "i" * 20
VOLUME = "a-volume-whose-name-goes-on-and-on-for-more-than-a-line-of-eighty-" + "v" * 20
NETWORK = "a-network-whose-name-goes-on-and-on-for-more-than-a-line-of-eighty-" + "n" * 20
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")
LISTINGS = {
    "ps": (), "ps -a -s": (), "images": (), "images --digests": (), f"history {IMAGE}": (),
    "network ls": (), "volume ls": (), "volume ls -s": (), "builder du": (), "system df": (),
    "system df -v": (), "stats --no-stream": (), f"top {CONTAINER}": (), f"port {CONTAINER}": (),
    "audit": (), "audit --format table": (), "doctor": (0, 1), "version": (),
}  # fmt: skip
"""Commands, to their exit codes where there are others than 0."""


@pytest.fixture(scope="module")
def crowded(base_images: Path, used_roots: list[Paths]) -> Iterator[Root]:
    """A root with a container, an image, a volume, a network and a cache of long names."""
    root = Root(Path(tempfile.mkdtemp(prefix="dockyard-test-", dir="/var/tmp")), base_images)
    used_roots.append(root.paths)
    context = root.base / "context"
    context.mkdir()
    (context / "Dockerfile").write_text(
        f"FROM busybox\nRUN echo {'much ' * 30} > /a-file\nCMD sleep 600; echo {'more ' * 30}\n"
    )
    root.cli("build", "-q", "-t", f"{IMAGE}:{'t' * 40}", "-t", IMAGE, str(context), check=True)
    root.cli("network", "create", NETWORK, check=True)
    root.cli("run", "-d", "--init", "--name", CONTAINER, "--network", NETWORK, "-v", f"{VOLUME}:/v",
             "-p", "127.0.0.1::1234", "-p", "127.0.0.1::5678/udp", IMAGE, check=True)  # fmt: skip
    yield root
    left = root.leftovers()
    root.close()
    assert not left


def printed(root: Root, *arguments: str, codes: tuple[int, ...] = ()) -> list[str]:
    """The lines that a command prints on a terminal of 80 columns."""
    with Terminal(columns=COLUMNS) as tty:
        tty.start(command_line(arguments), root.environment())
        code = tty.wait(60)
        assert code in (codes or (0,)), tty.rest
        return ESCAPES.sub("", tty.rest).replace("\r\n", "\n").splitlines()


@pytest.mark.parametrize("line", LISTINGS)
def test_each_listing_fits(crowded: Root, line: str) -> None:
    lines = printed(crowded, *line.split(), codes=LISTINGS[line])
    assert lines
    assert [text for text in lines if len(text) > COLUMNS] == []
    assert not [text for text in lines if "\\x1b" in text], "ours, and not to be written out"


def test_nothing_is_cut_elsewhere_or_where_it_is_said(crowded: Root) -> None:
    whole = {
        "ps": CONTAINER, "images": IMAGE, "network ls": NETWORK, f"history {IMAGE}": "much",
        "stats --no-stream": CONTAINER,
    }  # fmt: skip
    for line, name in whole.items():
        assert name in "".join(printed(crowded, *line.split(), "--no-trunc")), line
    piped = whole | {
        "volume ls": VOLUME, "system df -v": VOLUME, "audit --format table": CONTAINER,
        "doctor": "OCI runtime",
    }  # fmt: skip
    for line, name in piped.items():
        told = crowded.cli(*line.split()).stdout
        assert name in told, line
        assert "\x1b" not in told
    assert max(map(len, crowded.cli("doctor").stdout.splitlines())) > COLUMNS


def test_a_prune_of_the_cache_fits(crowded: Root) -> None:
    lines = printed(crowded, "builder", "prune", "-af")
    assert lines[0].split() == ["ID", "RECLAIMABLE", "SIZE", "LAST", "ACCESSED"]
    assert max(map(len, lines)) <= COLUMNS


def test_live_statistics_are_drawn_in_place(crowded: Root) -> None:
    with Terminal(columns=COLUMNS) as tty:
        tty.start(command_line(["stats"]), crowded.environment())
        tty.expect("\x1b[2J")
        frames = [tty.expect("\x1b[J") for _ in range(2)]
        tty.send(b"\x03")
        assert tty.wait() == 0
        assert tty.restored
    for frame in frames:
        assert frame.count("\x1b[H") == 1
        title, row, *rest = ESCAPES.sub("", frame).replace("\r\n", "\n").splitlines()
        assert title.startswith("CONTAI")
        assert CONTAINER[:6] in row
        assert not any(rest)
        assert max(map(len, (title, row))) <= COLUMNS


def test_colours_are_for_terminals_that_want_them(crowded: Root) -> None:
    with Terminal() as tty:
        tty.start(command_line(["audit"]), crowded.environment())
        assert tty.wait() == 0
        assert "\x1b[33mmedium" in tty.rest
    with Terminal() as tty:
        tty.start(command_line(["audit"]), crowded.environment(NO_COLOR="1"))
        assert tty.wait() == 0
        assert "\x1b" not in tty.rest
