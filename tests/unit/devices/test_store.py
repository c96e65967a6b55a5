from __future__ import annotations

import json
from pathlib import Path

from dockyard.devices.store import read

SPEC = {
    "cdiVersion": "0.5.0", "kind": "v.com/gpu",
    "devices": [{"name": "0", "containerEdits": {"env": ["A=1"]}}],
}  # fmt: skip
YAML = """\
cdiVersion: "0.6.0"
kind: w.com/nic
devices:
  - name: port0
    containerEdits:
      deviceNodes:
        - {path: /dev/x, hostPath: /dev/null, fileMode: 438}
containerEdits:
"""


def test_json_and_yaml_directly_in_the_directories(tmp_path: Path) -> None:
    first, second = tmp_path / "etc", tmp_path / "run"
    for path in (first / "below", second):
        path.mkdir(parents=True)
    (first / "a.json").write_text(json.dumps(SPEC))
    (first / "b.yaml").write_text(YAML)
    (first / "below" / "c.json").write_text(json.dumps(SPEC | {"kind": "x.com/gpu"}))
    (first / "notes.txt").write_text("not one")
    registry = read([str(first), str(second), str(tmp_path / "nosuch")])

    assert sorted(registry.devices) == ["v.com/gpu=0", "w.com/nic=port0"]
    node = registry.devices["w.com/nic=port0"].device.container_edits.device_nodes[0]
    assert (node.host_path, node.file_mode) == ("/dev/null", 0o666)
    assert registry.problems == ()


def test_a_bad_file_is_told_of_and_keeps_no_other_from_being_used(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{")
    (tmp_path / "b.yaml").write_text("a: [")
    (tmp_path / "c.json").write_text(json.dumps(SPEC | {"more": 1}))
    (tmp_path / "d.json").write_text(json.dumps(SPEC))
    (tmp_path / "e.yaml").write_text("cdiVersion: '0.3.0'\nkind: v.com/gpu\ndevices: []\n")
    registry = read([str(tmp_path)])

    assert sorted(registry.devices) == ["v.com/gpu=0"]
    told = {Path(problem.path).name: problem.words for problem in registry.problems}
    assert set(told) == {"a.json", "b.yaml", "c.json", "e.yaml"}
    assert "not YAML" in told["b.yaml"]
    assert "unknown field `more`" in told["c.json"]
