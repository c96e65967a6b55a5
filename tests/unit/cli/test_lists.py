"""``ps``, ``images``, ``port``, ``inspect`` and ``version``: what is printed, in which form."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import msgspec

Call = Callable[..., tuple[int, str, str]]


def test_ps_shows_what_runs(dockyard: Call, engine: Any) -> None:
    stopped = msgspec.structs.replace(
        engine.containers.present[0], id="d0" * 32, name="old", state="exited", exit_code=3
    )
    engine.containers.present.append(stopped)
    code, out, _ = dockyard("ps")
    lines = out.splitlines()
    assert code == 0
    assert lines[0].split() == ["CONTAINER", "ID", "IMAGE", "COMMAND", "CREATED", "STATUS",
                                "PORTS", "NAMES"]  # fmt: skip
    assert len(lines) == 2
    assert '"python -m app"' in lines[1]
    assert "53/udp, 8000/tcp, 0.0.0.0:8080->80/tcp" in lines[1]
    assert len(dockyard("ps", "-a")[1].splitlines()) == 3
    assert dockyard("ps", "-q")[1] == "c0c0c0c0c0c0\n"
    assert dockyard("ps", "-aq", "--no-trunc")[1].split() == ["c0" * 32, "d0" * 32]
    assert dockyard("ps", "-n", "1", "--format", "{{.Names}}")[1] == "web\n"
    assert dockyard("ps", "--filter", "status=exited", "--format", "{{.Names}}")[1] == "old\n"


def test_ps_gives_json_lines(dockyard: Call) -> None:
    _, out, _ = dockyard("ps", "--format", "json")
    (row,) = map(json.loads, out.splitlines())
    assert row["Names"] == "web"
    assert row["State"] == "running"


def test_an_unknown_filter_is_refused_with_those_there_are(dockyard: Call) -> None:
    code, _, err = dockyard("ps", "--filter", "colour=red")
    assert code == 1
    assert "ancestor" in err


def test_images_has_a_row_for_every_name(dockyard: Call, engine: Any) -> None:
    names = ("docker.io/library/app:latest", "localhost/app:1")
    engine.images.present = [msgspec.structs.replace(engine.images.present[0], names=names)]
    _, out, _ = dockyard("images", "--format", "{{.Repository}}:{{.Tag}} {{.Size}}")
    assert out == "app:latest 84.9MB\nlocalhost/app:1 84.9MB\n"
    assert dockyard("images", "-q")[1] == "a1a1a1a1a1a1\n"
    _, out, _ = dockyard("images", "--format", "{{.Tag}}", "app:1")
    assert out == "1\n"


def test_port_lists_all_or_one(dockyard: Call) -> None:
    assert dockyard("port", "web")[1] == "80/tcp -> 0.0.0.0:8080\n"
    assert dockyard("port", "web", "80")[1] == "0.0.0.0:8080\n"
    code, _, err = dockyard("port", "web", "81/udp")
    assert code == 1
    assert "no public port '81/udp' published for web" in err


def test_inspect_prints_an_array_and_fails_for_what_is_missing(dockyard: Call) -> None:
    code, out, err = dockyard("inspect", "web", "app", "nosuch")
    container, image = json.loads(out)
    assert code == 1
    assert "no such object: nosuch" in err
    assert container["State"]["Pid"] == 42
    assert container["Name"] == "/web"
    assert image["RepoTags"] == ["app:latest"]
    assert json.loads(dockyard("inspect", "--type", "image", "app")[1])[0]["Id"] == image["Id"]
    assert dockyard("inspect", "-f", "{{.State.Status}} {{.Config.Cmd}}", "web")[1] == (
        "running [serve]\n"
    )


def test_version_needs_no_engine(dockyard: Call) -> None:
    from dockyard import __version__

    assert dockyard("version", "--format", "{{.Version}}")[1] == f"{__version__}\n"
    assert json.loads(dockyard("version", "--format", "json")[1])["Client"]["Os"] == "linux"
    assert dockyard("version")[1].startswith("Client:\n Version: ")
