"""Where a build's result goes: ``--output`` and the files that tell of it."""

from __future__ import annotations

import base64
import io
import json
import os
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest
from tests.support.image_summary import Archive
from tests.support.roots import Root, command_line

from dockyard import Engine
from dockyard.build import apply
from dockyard.build.export import export
from dockyard.containers.parts import Parts
from dockyard.errors import BuildError, DockyardError, InvalidInput, NotFound, NotSupported
from dockyard.images.model import Image

DOCKERFILE = """\
FROM scratch AS first
COPY made /made
FROM first AS last
COPY --chown=7:8 --chmod=640 made /deep/er
CMD ["/made"]
"""


@pytest.fixture
def context(tmp_path: Path) -> Path:
    place = tmp_path / "context"
    place.mkdir()
    (place / "Dockerfile").write_text(DOCKERFILE)
    (place / "made").write_text("content\n")
    return place


def images(engine: Engine) -> list[str]:
    return sorted(name for image in engine.images.list() for name in image.names or ("<none>",))


def test_the_files_go_into_a_directory_and_no_image_stays(
    root: Root, engine: Engine, context: Path, tmp_path: Path
) -> None:
    before = images(engine)
    out = tmp_path / "out"
    (out / "deep").mkdir(parents=True)
    (out / "mine").write_text("stays")
    (out / "made").symlink_to("/etc/passwd")
    root.cli("build", "-o", str(out), "-t", "not:tagged", str(context), check=True)

    assert sorted(path.name for path in out.iterdir()) == ["deep", "made", "mine"]
    assert (out / "made").read_text() == "content\n"
    assert not (out / "made").is_symlink()
    status = (out / "deep" / "er").stat()
    assert (status.st_mode & 0o7777, status.st_uid, status.st_gid) == (0o640, 0, 0)
    assert images(engine) == before


def test_an_image_that_was_named_meanwhile_stays(
    engine: Engine, context: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def named(parts: Parts, image: Image, *rest: Any) -> None:
        engine.images.tag(image, "another:command")
        export(parts, image, *rest)

    monkeypatch.setattr(apply, "export", named)
    built = engine.build(str(context), outputs=[f"type=local,dest={tmp_path}/out"])
    assert engine.images.find("another:command").id == built.id


def test_a_link_in_the_directory_leads_nowhere(
    engine: Engine, context: Path, tmp_path: Path
) -> None:
    out, outside = tmp_path / "out", tmp_path / "outside"
    out.mkdir()
    outside.mkdir()
    (out / "deep").symlink_to(outside)
    engine.build(str(context), outputs=[f"type=local,dest={out}"])
    assert list(outside.iterdir()) == []
    assert (out / "deep" / "er").read_text() == "content\n"


def test_a_tar_goes_to_standard_output(root: Root, context: Path) -> None:
    command = command_line(["build", "-q", "-o", "-", "--target", "first", str(context)])
    done = subprocess.run(command, capture_output=True, env=root.environment(), check=True)
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as tar:
        assert tar.getnames() == ["made"]


@pytest.mark.parametrize("kind", ["oci", "docker"])
def test_an_archive_can_be_loaded(
    kind: str, root: Root, engine: Engine, context: Path, tmp_path: Path
) -> None:
    archive, metadata, number = tmp_path / "a.tar", tmp_path / "m.json", tmp_path / "id"
    root.cli(
        "build", "-t", "made:1", "--output", f"type={kind},dest={archive}", "--metadata-file",
        str(metadata), "--iidfile", str(number), str(context), check=True,
    )  # fmt: skip
    assert "made:1" not in " ".join(images(engine))
    done = root.cli("load", "-i", str(archive), check=True)

    assert done.stdout == "Loaded image: made:1\n"
    image_id = engine.resolve("made:1").id
    assert number.read_text() == image_id
    assert json.loads(metadata.read_text()) == {
        "containerimage.config.digest": image_id,
        "containerimage.digest": image_id,
        "image.name": "docker.io/library/made:1",
    }
    with tarfile.open(archive) as tar:
        assert ("manifest.json" in tar.getnames()) == (kind == "docker")
    if kind == "docker":
        with archive.open("rb") as stream:
            assert "/deep/er" in Archive(stream).image("made:1").tree


def test_several_outputs_and_the_image_itself(
    engine: Engine, context: Path, tmp_path: Path
) -> None:
    image = engine.build(
        str(context), tag="kept:1",
        outputs=["type=image", str(tmp_path / "a"), f"type=tar,dest={tmp_path}/b.tar"],
    )  # fmt: skip
    assert engine.resolve("kept:1").id == image.id
    assert (tmp_path / "a" / "made").exists()
    assert tarfile.is_tarfile(tmp_path / "b.tar")
    engine.build(str(context), outputs=["type=cacheonly"])
    assert engine.resolve("kept:1").id == image.id


def test_an_output_gives_names_where_no_tag_does(engine: Engine, context: Path) -> None:
    image = engine.build(str(context), outputs=['type=image,"name=one:1,two:2"'])
    assert [engine.resolve(name).id for name in ("one:1", "two:2")] == [image.id] * 2
    engine.build(str(context), tag="mine:1", outputs=["type=image,name=three:3"])
    with pytest.raises(NotFound):
        engine.resolve("three:3")


def test_a_stage_can_be_built_without_cache(engine: Engine, context: Path) -> None:
    def kinds(*stages: str) -> list[str]:
        ends: dict[str, str] = {}
        engine.build(
            str(context), no_cache_filter=stages,
            listener=lambda event: ends.__setitem__(event.name.split()[-1], event.kind),
        )  # fmt: skip
        return [ends["/made"], ends["/deep/er"]]

    kinds()
    assert kinds() == ["cached", "cached"]
    assert kinds("last") == ["cached", "done"]
    assert kinds("FIRST")[0] == "done"


@pytest.mark.parametrize(
    ("output", "said"),
    [("type=nothing,dest=x", "unknown type"), ("type=local", "dest is required"),
     ("type=registry,name=a/b", "by itself"), ("type=image,name=a/b,push=true", "by itself"),
     ("type=registry,compression-level=high", "invalid compression-level"),
     ("type=image,compression=zstd", "no compression"), ("type=image,push=yes", "invalid push"),
     ("type=registry,force-compression=true", "no force-compression"),
     ("type=image,oci-mediatypes=false", "oci-mediatypes=false"),
     ("type=oci,dest=x,compression=zstd", "compression"), ("", "empty"),
     ("type=image,dest=x", "no dest"), ("type=tar,x", "invalid value")],
)  # fmt: skip
def test_an_output_that_is_none_is_refused(output: str, said: str, engine: Engine) -> None:
    with pytest.raises((InvalidInput, NotSupported), match=said):
        engine.build("/nowhere", outputs=[output])


def test_a_destination_that_cannot_be_written_leaves_no_image(
    engine: Engine, context: Path, tmp_path: Path
) -> None:
    before = images(engine)
    with pytest.raises(DockyardError, match="cannot write"):
        engine.build(str(context), outputs=[f"type=oci,dest={tmp_path}/no/such/a.tar"])
    assert images(engine) == before
    assert not os.path.exists(tmp_path / "no")


def test_a_dockerfile_says_what_it_can_be_given(root: Root, context: Path) -> None:
    text = "# a is one\nFROM scratch AS a\n# X says\nARG X=1\nFROM a AS b\n".replace("\\\n", "\n")
    (context / "Dockerfile").write_text(text)
    listed = root.cli("build", "--call=targets", str(context), check=True)
    assert listed.stdout == "TARGET      DESCRIPTION\na           is one\nb (default) \n"
    shown = root.cli("build", "--call", "outline", "--build-arg", "X=2", str(context), check=True)
    assert "X           2       says\n" in shown.stdout
    assert "unsupported call" in root.cli("build", "--call=what", str(context)).stderr


def test_a_tar_whose_first_file_is_named_like_a_magic_number_is_unpacked(
    engine: Engine, context: Path
) -> None:
    with tarfile.open(context / "made.tar", "w") as tar:
        tar.addfile(tarfile.TarInfo("BZh91AY"))
    (context / "Dockerfile").write_text("FROM scratch\nADD made.tar /\n")
    engine.build(str(context), outputs=[str(context / "out")])
    assert [path.name for path in (context / "out").iterdir()] == ["BZh91AY"]


STRICT = "# check=error=true;skip=JSONArgsRecommended\nFROM scratch\nCMD a\nWORKDIR x\n"


def test_checks_are_told_and_can_end_a_build(root: Root, engine: Engine, context: Path) -> None:
    lost = root.cli("build", "--check", "--target", "nosuch", str(context))
    assert (lost.returncode, lost.stdout) == (1, "")
    assert 'target stage "nosuch" could not be found' in lost.stderr
    clean = root.cli("build", "--check", str(context))
    assert (clean.returncode, clean.stdout) == (0, "Check complete, no warnings found.\n")

    (context / "Dockerfile").write_text(STRICT)
    found = root.cli("build", "--check", str(context))
    assert found.returncode == 1
    assert found.stdout == (
        "Check complete, 1 warning has been found!\n\n"
        "WARNING: WorkdirRelativePath - "
        "https://docs.docker.com/go/dockerfile/rule/workdir-relative-path/\n"
        'Relative workdir "x" can have unexpected results if the base image changes\n'
        "Dockerfile:4\n--------------------\n"
        "   2 |     FROM scratch\n   3 |     CMD a\n   4 | >>> WORKDIR x\n   5 |     \n"
        "--------------------\n\n"
        "ERROR: lint violation found for rules: WorkdirRelativePath\n"
    )
    shown = root.cli("build", "--call=check,format=json", str(context))
    document = json.loads(shown.stdout)
    assert [each["ruleName"] for each in document["warnings"]] == ["WorkdirRelativePath"]
    assert document["buildError"]["message"].endswith("WorkdirRelativePath")
    with pytest.raises(BuildError, match="lint violation found for rules: WorkdirRelativePath"):
        engine.build(str(context))
    (context / "Dockerfile").write_text(STRICT.replace("error=true", "error=false"))
    engine.build(str(context))


def test_progress_for_programs(root: Root, context: Path) -> None:
    (context / "Dockerfile").write_text("FROM busybox\nRUN echo said\nCOPY made /\n")
    done = root.cli("build", "--progress", "rawjson", "-t", "raw:1", str(context), check=True)
    documents = [json.loads(line) for line in done.stderr.splitlines()]
    vertexes = [each for one in documents for each in one.get("vertexes", ())]
    logs = [each for one in documents for each in one.get("logs", ())]
    finished = [each["name"] for each in vertexes if "completed" in each]

    assert finished[-3:] == ["[2/3] RUN echo said", "[3/3] COPY made /", "exporting to image"]
    assert b"said" in b"".join(base64.b64decode(each["data"]) for each in logs)
    assert {each["vertex"] for each in logs} <= {each["digest"] for each in vertexes}
    assert documents[-1]["statuses"][-1]["id"] == "naming to docker.io/library/raw:1"
