"""Several commands at once on one root, and several roots side by side."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.support.roots import Root


def finish(processes: Sequence[subprocess.Popen[str]]) -> list[tuple[int, str, str]]:
    results = []
    for process in processes:
        out, err = process.communicate(timeout=120)
        results.append((process.returncode, out, err))
    return results


def test_ten_runs_at_once(root: Root) -> None:
    started = [
        root.start("run", "--rm", "-p", "0:80", "busybox", "sh", "-c", f"echo {n}; exit {n}")
        for n in range(10)
    ]

    assert [(code, out) for code, out, _ in finish(started)] == [(n, f"{n}\n") for n in range(10)]


def test_ten_detached_runs_have_addresses_and_ports_of_their_own(root: Root) -> None:
    command = ("run", "-d", "-p", "0:80", "busybox", "sleep", "300")
    results = finish([root.start(*command) for _ in range(10)])
    assert [code for code, _, _ in results] == [0] * 10, results

    with root.engine() as engine:
        containers = engine.containers.all()
        endpoints = [engine.parts.networks.endpoint(each.holder) for each in containers]
    assert len({end.address for end in endpoints if end}) == 10
    assert len({end.ports[0].host_port for end in endpoints if end}) == 10


def test_ten_for_one_name_give_one_container(root: Root) -> None:
    command = ("run", "-d", "--name", "only", "--network", "none", "busybox", "sleep", "300")
    results = finish([root.start(*command) for _ in range(10)])

    assert sorted(code for code, _, _ in results) == [0] + [125] * 9
    assert all("already in use" in err for code, _, err in results if code)
    assert len(root.cli("ps", "-q").stdout.split()) == 1


def test_ten_for_one_port_give_one_container(root: Root, free_port: int) -> None:
    command = ("run", "-d", "-p", f"{free_port}:80", "busybox", "sleep", "300")
    results = finish([root.start(*command) for _ in range(10)])

    assert sorted(code for code, _, _ in results) == [0] + [125] * 9
    assert all("already allocated" in err for code, _, err in results if code)


def test_ten_removals_of_one_container(root: Root) -> None:
    root.cli("run", "-d", "--name", "box", "busybox", "sleep", "300", check=True)
    results = finish([root.start("rm", "-f", "box") for _ in range(10)])

    assert results[0][0] in {0, 1}
    for code, _, err in results:
        assert code == 0 or "no such container" in err.lower(), err
    assert root.cli("ps", "-aq").stdout == ""


def test_a_build_beside_runs(root: Root, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text(
        "FROM busybox AS a\nRUN seq 20000 > /a\nFROM busybox\nCOPY --from=a /a /a\nRUN sleep 0.5\n"
    )
    build = root.start("build", "--no-cache", "-t", "made", str(tmp_path))
    runs = [root.start("run", "--rm", "busybox", "echo", str(n)) for n in range(5)]

    assert [(code, out) for code, out, _ in finish(runs)] == [(0, f"{n}\n") for n in range(5)]
    assert finish([build])[0][0] == 0
    assert root.cli("run", "--rm", "made", "tail", "-1", "/a").stdout == "20000\n"


def test_an_image_removed_during_a_run_and_a_build(root: Root, tmp_path: Path) -> None:
    """Either the command gets the image, or it says that it is gone; never half of it."""
    (tmp_path / "Dockerfile").write_text("FROM busybox\nRUN echo x > /x\n")
    for _ in range(4):
        root.cli("build", "-t", "made", str(tmp_path), check=True)
        runs = [root.start("run", "--rm", "made", "cat", "/x") for _ in range(3)]
        removal = root.start("rmi", "-f", "made")
        for code, out, err in finish(runs):
            gone = ("no such image", "removed", "unable to find image")
            assert (code, out) == (0, "x\n") or any(words in err.lower() for words in gone)
        finish([removal])


def test_two_roots_side_by_side(make_root: Callable[[], Root]) -> None:
    roots = [make_root(), make_root()]
    command = ("run", "-d", "--name", "same", "-p", "0:80", "busybox", "sleep", "300")
    started = [root.start(*command) for root in roots for _ in range(1)]
    assert [code for code, _, _ in finish(started)] == [0, 0]

    roots[0].cli("rm", "-f", "same", check=True)
    assert roots[1].cli("exec", "same", "echo", "still").stdout == "still\n"
    assert roots[1].cli("port", "same").stdout.startswith("80/tcp -> ")
