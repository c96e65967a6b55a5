"""``system df`` and ``system prune``."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

from tests.support.roots import Root


def summary(root: Root) -> dict[str, dict[str, str]]:
    done = root.cli("system", "df", "--format", "json", check=True)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return {line["Type"]: line for line in lines}


def test_disk_usage_and_what_a_prune_frees(root: Root, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text(
        "FROM busybox\nRUN head -c 3000000 /dev/zero > /three\nRUN touch /marker\n"
    )
    root.cli("build", "-q", str(tmp_path), check=True)
    root.cli("run", "--name", "ended", "--network", "none", "-v", "kept:/v", "-v", "/anonymous",
             "busybox", "sh", "-c", "head -c 2000000 /dev/zero | tee /v/two > /two",
             check=True)  # fmt: skip
    root.cli("run", "-d", "--name", "going", "--network", "none", "busybox", "sleep", "60",
             check=True)  # fmt: skip

    before = summary(root)
    assert (before["Containers"]["TotalCount"], before["Containers"]["Active"]) == ("2", "1")
    assert before["Containers"]["Reclaimable"].startswith("2MB")
    assert before["Local Volumes"]["TotalCount"] == "2"
    assert before["Images"]["Active"] == "1"
    check_verbose(root)

    root.cli("network", "create", "idle", check=True)
    declined = root.cli("system", "prune", input="n\n")
    assert declined.returncode == 0
    assert "all stopped containers" in declined.stderr
    assert summary(root) == before

    done = root.cli("system", "prune", "-f", "--volumes", check=True)
    assert "Deleted Containers:" in done.stdout
    assert "Deleted Networks:\nidle\n" in done.stdout
    assert "deleted: sha256:" in done.stdout
    assert "Total reclaimed space: 5" in done.stdout
    after = summary(root)
    assert (after["Containers"]["TotalCount"], after["Containers"]["Active"]) == ("1", "1")
    assert after["Local Volumes"]["Size"] == "2MB", "a named volume stays"
    assert root.cli("exec", "going", "true").returncode == 0
    assert root.cli("run", "--rm", "--network", "none", "busybox", "true").returncode == 0


def check_verbose(root: Root) -> None:
    """Who uses what, and what is whose alone, in the four tables."""
    text = root.cli("system", "df", "-v", check=True).stdout
    images = {row["REPOSITORY"].removeprefix("localhost/"): row for row in rows(text, "Images")}
    assert {"busybox", "debian", "python", "<none>"} == images.keys()
    base, built = images["busybox"], images["<none>"]
    assert (base["CONTAINERS"], built["CONTAINERS"]) == ("2", "0")
    assert base["SHARED SIZE"] == built["SHARED SIZE"]
    shared, whole = (float(base[title].removesuffix("MB")) for title in ("SHARED SIZE", "SIZE"))
    assert abs(shared - whole) < 0.01, "rounded to four digits, and to three"
    assert base["UNIQUE SIZE"] == "0B"
    assert built["UNIQUE SIZE"].startswith("3.0")
    ended, going = (one for name in ("ended", "going") for one in rows(text, "Containers")
                    if one["NAMES"] == name)  # fmt: skip
    assert (ended["IMAGE"], ended["LOCAL VOLUMES"], ended["SIZE"]) == ("busybox", "2", "2MB")
    assert ended["STATUS"].startswith("Exited (0)")
    assert (going["LOCAL VOLUMES"], going["SIZE"]) == ("0", "0B")
    assert going["STATUS"].startswith("Up ")
    volumes = {row["VOLUME NAME"]: (row["LINKS"], row["SIZE"])
               for row in rows(text, "Local Volumes")}  # fmt: skip
    assert volumes.pop("kept") == ("1", "2MB")
    assert list(volumes.values()) == [("1", "0B")]
    cache = rows(text, "Build cache")
    assert [(row["CACHE TYPE"], row["SHARED"]) for row in cache] == [("regular", "true")] * 2
    assert any(row["SIZE"].startswith("3.0") for row in cache)
    assert "Build cache usage: 0B\n" in text, "images have it all"


def rows(text: str, section: str) -> list[dict[str, str]]:
    """The rows of one table of several, by their titles; no cell has two blanks in a row."""
    _, _, rest = text.partition(f"{section} ")
    titles, *lines = rest.split("\n\n")[1].splitlines()
    names = re.split(r"\s{2,}", titles)
    return [dict(zip(names, re.split(r"\s{2,}", line), strict=True)) for line in lines]


def test_info_says_what_there_is(root: Root) -> None:
    for name, seconds in (("going", "60"), ("frozen", "60"), ("ended", "0")):
        root.cli("run", "-d", "--name", name, "--network", "none", "busybox", "sleep", seconds,
                 check=True)  # fmt: skip
    root.cli("pause", "frozen", check=True)
    root.cli("wait", "ended", check=True)
    facts = json.loads(root.cli("info", "--format", "json", check=True).stdout)
    counts = [facts[f"Containers{kind}"] for kind in ("", "Running", "Paused", "Stopped")]
    assert counts == [3, 1, 1, 1]
    assert facts["Images"] == len(root.cli("images", "-q", check=True).stdout.split()) == 3
    assert facts["Driver"] == "overlay"
    assert facts["CgroupVersion"] == cgroup_version()
    assert {"memory", "cpu", "pids"} <= set(facts["CgroupControllers"])
    assert os.path.basename(facts["DefaultRuntime"]) in {"crun", "runc"}
    assert os.access(facts["DefaultRuntime"], os.X_OK)
    assert facts["KernelVersion"] == os.uname().release
    assert facts["NCPU"] == os.cpu_count()
    assert facts["MemTotal"] == os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert (facts["DockerRootDir"], facts["RunDir"]) == (root.paths.root, root.paths.run)
    text = root.cli("info", check=True).stdout
    for line in (" Containers: 3", "  Running: 1", "  Paused: 1", "  Stopped: 1", " Images: 3",
                 " Storage Driver: overlay", f" Cgroup Version: {facts['CgroupVersion']}",
                 f" Default Runtime: {facts['DefaultRuntime']}"):  # fmt: skip
        assert f"{line}\n" in text


def cgroup_version() -> str:
    """As the mounts of this host say."""
    kinds = [
        line.split(" - ")[1].split()[0]
        for line in Path("/proc/self/mountinfo").read_text().splitlines()
    ]
    if "cgroup" not in kinds:
        return "2"
    return "1 (hybrid)" if "cgroup2" in kinds else "1"


def test_everything_goes_but_what_runs(root: Root) -> None:
    root.cli("run", "-d", "--network", "none", "busybox", "sleep", "60", check=True)
    root.cli("system", "prune", "-af", check=True)
    names = root.cli("images", "--format", "{{.Repository}}", check=True).stdout.split()
    assert names == ["busybox"] or names == ["localhost/busybox"]


def test_filters_of_docker(root: Root) -> None:
    root.cli("run", "--name", "kept", "--label", "keep=1", "--network", "none", "busybox", "true")
    root.cli("run", "--name", "gone", "--network", "none", "busybox", "true", check=True)
    root.cli("system", "prune", "-f", "--filter", "label!=keep", check=True)
    assert root.cli("ps", "-a", "--format", "{{.Names}}").stdout == "kept\n"
    refused = root.cli("system", "prune", "-f", "--volumes", "--filter", "until=1h")
    assert refused.returncode == 1
    assert "until" in refused.stderr
