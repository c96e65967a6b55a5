"""``system df`` and ``system prune``."""

from __future__ import annotations

import json
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
    verbose = root.cli("system", "df", "-v", check=True).stdout
    assert "ended" in verbose
    assert "exec.cachemount" not in verbose

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
