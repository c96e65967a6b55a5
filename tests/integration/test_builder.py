"""``builder du`` and ``builder prune``: what builds keep, listed and removed, unless it is used."""

from __future__ import annotations

import json
import os
import re
import signal
from pathlib import Path

from tests.support.roots import Root
from tests.support.waiting import until

from dockyard import Engine
from dockyard.build.usage import Policy, Record

DAY = 86400 * 10**9


def build(root: Root, place: Path, *lines: str, tag: str | None = None) -> None:
    place.mkdir(exist_ok=True)
    (place / "Dockerfile").write_text("FROM busybox\n" + "".join(f"RUN {line}\n" for line in lines))
    root.cli("build", *(("-t", tag) if tag else ()), str(place), check=True)


def records(engine: Engine) -> dict[str, Record]:
    """By the last word of what they are."""
    found = sorted(engine.build_cache(), key=lambda each: each.mutable)
    return {each.description.split()[-1].strip('"'): each for each in found}


def mounts(engine: Engine) -> set[str]:
    return {name for name, each in records(engine).items() if each.mutable}


def age(engine: Engine, table: str, column: str, like: str, nanoseconds: int) -> None:
    """Makes entries older than they are."""
    changed = engine.database.execute(
        f"UPDATE {table} SET used = used - ? WHERE {column} LIKE ?", (nanoseconds, like)
    )
    assert changed


def test_du_lists_steps_and_caches(root: Root, engine: Engine, tmp_path: Path) -> None:
    mount = "--mount=type=cache,target=/c,id="
    build(root, tmp_path, f"{mount}big dd if=/dev/zero of=/c/x bs=1k count=500 && seq 9 > /f",
          tag="made")  # fmt: skip
    build(root, tmp_path, "seq 99 > /g && : other", tag="other")
    root.cli("rmi", "other", check=True)
    lines = root.cli("builder", "du", check=True).stdout.splitlines()
    assert lines[0].split() == ["ID", "RECLAIMABLE", "SIZE", "LAST", "ACCESSED"]
    cells = [line.split()[:3] for line in lines[1:4]]
    assert [(row[0][-1] == "*", row[1], row[2][-1] == "*") for row in cells].count(
        (True, "true", False)
    ) == 1
    found = records(engine)
    assert (found["big"].size, found["big"].uses) == (512000, 1)
    assert (found["/f"].shared, found["other"].shared) == (True, False)
    whole = sum(record.size for record in found.values())
    summary = dict(re.findall(r"^(\w+):\s+(\S+)$", "\n".join(lines), re.MULTILINE))
    assert summary["Reclaimable"] == summary["Total"]
    assert whole > 512000

    shown = root.cli("builder", "du", "--filter", "type=exec.cachemount", "--format", "json")
    assert json.loads(shown.stdout)["Size"] == "512kB"
    blocks = root.cli("builder", "du", "--verbose", "--filter", "mutable=true").stdout
    assert 'Description:  cache mount with id "big"\n' in blocks
    assert "bad" in root.cli("builder", "du", "--filter", "bad=1").stderr


def test_prune_takes_what_is_old_and_too_much(root: Root, engine: Engine, tmp_path: Path) -> None:
    for name in ("one", "two", "three"):
        cache = f"--mount=type=cache,target=/c,id={name}"
        build(root, tmp_path, f"{cache} dd if=/dev/zero of=/c/x bs=1k count=100 && echo {name}")
    age(engine, "cache_mounts", "name", "one", 2 * DAY)
    age(engine, "cache_mounts", "name", "two", DAY // 2)

    done = root.cli("builder", "prune", "-f", "--filter", "until=24h", check=True)
    listed, total = done.stdout.splitlines()[1:]
    assert (listed.split()[1:3], total) == (["true", "102.4kB"], "Total:\t102.4kB")
    assert mounts(engine) == {"two", "three"}
    assert len(os.listdir(engine.paths.caches)) == 2

    done = root.cli("builder", "prune", "-f", "--max-used-space", "150k", check=True)
    assert mounts(engine) == {"three"}
    done = root.cli("builder", "prune", "-f", "--keep-storage", "1g", check=True)
    assert done.stdout == "Total:\t0B\n"

    refused = root.cli("builder", "prune", input="n\n")
    assert refused.returncode == 0
    assert "This will remove all dangling build cache." in refused.stderr
    root.cli("builder", "prune", "-f", "-a", check=True)
    assert engine.build_cache() == ()
    assert os.listdir(engine.paths.caches) == []
    events = root.cli("events", "--since", "1h", "--until", "0s", "--filter", "type=builder")
    assert "prune" in events.stdout


def test_prune_leaves_what_a_running_build_uses(root: Root, engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text(
        "FROM busybox\nRUN : first > /f\n"
        "RUN --mount=type=cache,id=held,target=/c touch /c/kept && while ! test -e /c/go;"
        " do sleep 0.05; done\nRUN test -e /f\n"
    )
    running = root.start("build", "-t", "made", str(tmp_path))
    until(lambda: list(Path(engine.paths.caches).glob("*/data/kept")))
    assert [each.in_use for each in engine.build_cache() if each.mutable] == [True]
    pruned = engine.prune_build_cache(Policy(everything=True))
    assert not [record for record in pruned.records if record.mutable]

    (held,) = os.listdir(engine.paths.caches)
    Path(engine.paths.cache(held), "data", "go").touch()
    _, errors = running.communicate(timeout=60)
    assert running.returncode == 0, errors
    assert root.cli("run", "--rm", "made", "test", "-e", "/f").returncode == 0


def test_caches_survive_kill_9_and_half_made_ones_go(
    root: Root, engine: Engine, tmp_path: Path
) -> None:
    step = "--mount=type=cache,id=held,target=/c"
    (tmp_path / "Dockerfile").write_text(f"FROM busybox\nRUN {step} touch /c/kept && sleep 100\n")
    running = root.start("build", "--progress=plain", str(tmp_path))
    until(lambda: list(Path(engine.paths.caches).glob("*/data/kept")))
    os.kill(running.pid, signal.SIGKILL)
    running.communicate()
    engine.database.execute(
        "INSERT INTO cache_mounts (id, key, name, state, created, used)"
        " VALUES ('half', 'k', 'half', 'pending', 0, 0), ('gone', 'k', 'gone', 'deleting', 0, 0)"
    )
    os.makedirs(engine.paths.cache("half") + "/data/x")

    root.cli("ps", check=True)
    assert mounts(engine) == {"held"}
    assert len(os.listdir(engine.paths.caches)) == 1
    build(root, tmp_path, f"{step} test -e /c/kept && : again")
    assert root.leftovers() == []
