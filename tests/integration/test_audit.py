"""``audit`` looks at real images and containers."""

from __future__ import annotations

import json
import os

from tests.support.roots import Root


def test_findings_name_what_to_mend(root: Root) -> None:
    root.cli("run", "-d", "--name", "loose", "--network", "host", "-v", "/etc:/host", "busybox",
             "sleep", "60", check=True)  # fmt: skip
    root.cli("run", "-d", "--name", "tight", "--network", "none", "--read-only", "-m", "64m",
             "--cpus", "1", "--pids-limit", "50", "busybox", "sleep", "60", check=True)  # fmt: skip
    os.chmod(root.paths.volumes, 0o755)  # what the audit is to find

    done = root.cli("audit", "--format", "json", check=True)
    found = [json.loads(line) for line in done.stdout.splitlines()]
    by_subject: dict[str, set[str]] = {}
    for one in found:
        by_subject.setdefault(one["Subject"], set()).add(one["Rule"])
        assert one["Mend"]
    assert {"5.6", "5.10", "5.11", "5.13"} <= by_subject["loose"]
    assert by_subject["tight"] <= {"5.27"}
    assert by_subject[root.paths.volumes] == {"3.2"}
    assert "4.8" in by_subject["localhost/debian:bookworm"], "su and others are setuid in Debian"
    assert [one["Level"] for one in found] == sorted(
        (one["Level"] for one in found), key=["high", "medium", "low"].index
    )


def test_it_can_fail_a_pipeline(root: Root) -> None:
    root.cli("run", "-d", "--name", "loose", "--network", "none", "-v", "/etc:/host", "busybox",
             "sleep", "60", check=True)  # fmt: skip
    failing = root.cli("audit", "--fail-on", "high", "loose")
    assert failing.returncode == 1
    assert "mend:  mount only the directory that it needs" in failing.stdout
    assert root.cli("audit", "--fail-on", "high", "busybox").returncode == 0
    unknown = root.cli("audit", "nobody")
    assert unknown.returncode == 1
    assert "no such container or image: nobody" in unknown.stderr
