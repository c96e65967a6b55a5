"""``load`` and ``import``: archives of other programs, and archives that lie."""

from __future__ import annotations

import gzip
import io
import json
import os
import subprocess
import tarfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from tests.integration.conftest import MakeRoot
from tests.support import archives
from tests.support.archives import Files
from tests.support.image_summary import Archive
from tests.support.roots import Root, foreground

from dockyard import Engine
from dockyard.errors import (
    ContentMismatch,
    DockyardError,
    HostileInput,
    InvalidInput,
    NotFound,
)
from dockyard.oci.reference import Reference

BASE = archives.layer(a=b"one", b=b"two", **{"d/deep": b"three"})
TOP = archives.layer(a=b"new", b=None, **{"d/.wh..wh..opq": b"", "d/own": b"own"})


@pytest.fixture
def loader(bare: Root) -> Iterator[Engine]:
    with bare.engine() as engine:
        yield engine


def stream(files: Mapping[str, bytes | tarfile.TarInfo]) -> io.BytesIO:
    return io.BytesIO(archives.tar(files))


def assert_nothing_left(root: Root, engine: Engine) -> None:
    """No image, no layer, no file of any kind."""
    assert engine.images.list() == ()
    assert engine.database.query("SELECT id FROM layers") == []
    for place in (root.paths.layers, root.paths.blobs, root.paths.workspaces):
        assert [name for name in os.listdir(place) if name != "sha256"] == []


def tree(engine: Engine, name: str) -> dict[str, bytes]:
    """The files of an image, as its own archive shows them."""
    buffer = io.BytesIO()
    engine.save([name], buffer.write)
    buffer.seek(0)
    found = Archive(buffer).image(name).tree
    return {path: text.rsplit(" ", 1)[-1].strip("'").encode() for path, text in found.items()}


def test_an_image_that_has_a_layer_twice_can_be_used_saved_and_removed(
    root: Root, engine: Engine
) -> None:
    """overlayfs refuses one directory twice; two RUN that change nothing make such an image."""
    root.own(engine.images.find("busybox"))
    empty, first = archives.tar({}), archives.layer(f=b"first")
    gone = archives.tar({".wh.f": b"", "kept": b"yes"})
    layers = [_uppermost(engine, "busybox"), first, empty, gone, empty, first, first]
    loaded = engine.load(stream(archives.docker(layers, "docker.io/library/twice:1")))[0]

    script = "cat /f /kept; echo more > /more"
    container, output = foreground(engine, "sh", "-c", script, image="twice:1")
    assert (container.exit_code, output.text) == (0, "firstyes"), output.stderr
    dockerfile = io.BytesIO(b"FROM twice:1\nRUN rm /f && cat /kept > /again\n")
    built = engine.build(dockerfile, tag="above")
    _, output = foreground(engine, "sh", "-c", "cat /again; ls /f", image="above")
    assert output.text == "yes"
    assert len(built.layers) == len(layers) + 1
    archive = io.BytesIO()
    engine.save(["twice:1"], archive.write)
    archive.seek(0)
    assert engine.load(archive)[0].image.id == loaded.image.id
    for name in ("above", "twice:1"):
        engine.images.remove(name)
    (again,) = engine.load(stream(archives.docker(layers, "docker.io/library/twice:1")))
    assert again.image.id == loaded.image.id


def _uppermost(engine: Engine, name: str) -> bytes:
    """The tar of the uppermost layer of an image."""
    buffer = io.BytesIO()
    engine.save([name], buffer.write)
    *_, layer = engine.images.find(name).layers
    with tarfile.open(fileobj=io.BytesIO(buffer.getvalue())) as archive:
        found = archive.extractfile(f"blobs/{layer.diff_id.replace(':', '/')}")
        assert found is not None
        return found.read()


@pytest.mark.parametrize("form", [archives.docker, archives.oci])
def test_an_archive_of_another_program_keeps_its_ids_and_comes_out_byte_for_byte(
    form: Callable[..., Files], loader: Engine, bare: Root
) -> None:
    (loaded,) = loader.load(stream(form([BASE, TOP], "docker.io/library/foreign:1")))

    assert [name.familiar for name in loaded.names] == ["foreign:1"]
    assert loaded.image.config_bytes == archives.config([BASE, TOP])
    assert [layer.diff_id for layer in loaded.image.layers] == [
        f"sha256:{archives.digest(BASE)}", f"sha256:{archives.digest(TOP)}",
    ]  # fmt: skip
    buffer = io.BytesIO()
    loader.save(["foreign:1"], buffer.write)
    with tarfile.open(fileobj=io.BytesIO(buffer.getvalue())) as archive:
        for each in (BASE, TOP):
            member = archive.extractfile(f"blobs/sha256/{archives.digest(each)}")
            assert member is not None
            assert member.read() == each
    files = {
        path: text for path, text in tree(loader, "foreign:1").items() if text in {b"new", b"own"}
    }
    assert files == {"/a": b"new", "/d/own": b"own"}
    again = loader.load(io.BytesIO(gzip.compress(buffer.getvalue())))
    assert [each.image.id for each in again] == [loaded.image.id]
    assert len(os.listdir(bare.paths.blobs)) == 3  # with the directory of blobs by digest


def test_the_same_layer_means_what_is_below_it(loader: Engine) -> None:
    """An opaque directory hides other names above another base, though the tar is the same."""
    other = archives.layer(**{"d/else": b"four"})
    loader.load(stream(archives.docker([BASE, TOP], "one:1")))
    loader.load(stream(archives.docker([other, TOP], "two:1")))

    for name, below in (("one:1", "deep"), ("two:1", "else")):
        image = loader.resolve(name)
        directory = loader.images.directories(image)[-1]
        assert sorted(os.listdir(f"{directory}/d")) == sorted(["own", below])
        assert "/d/own" in tree(loader, name)
        assert f"/d/{below}" not in tree(loader, name)


def test_a_hard_link_to_a_file_below_is_that_of_each_base(loader: Engine) -> None:
    """The same tar above two bases; what is saved again is the tar that came."""
    top = archives.tar({"l": archives.hard_link("l", "d/deep")})
    other = archives.layer(**{"d/deep": b"four"})
    loader.load(stream(archives.docker([BASE, top], "one:1")))
    loader.load(stream(archives.docker([other, top], "two:1")))

    for name, content in (("one:1", b"three"), ("two:1", b"four")):
        directories = loader.images.directories(loader.images.find(name))
        assert Path(directories[-1], "l").read_bytes() == content
        assert _uppermost(loader, name) == top


def test_what_save_writes_is_loaded_without_a_second_copy(
    root: Root, engine: Engine, make_root: MakeRoot
) -> None:
    busybox = engine.resolve("busybox")
    root.own(busybox)
    engine.images.tag(busybox.id, Reference.parse("copy:2"))
    archive = root.base / "archive.tar"
    root.cli("save", "-o", str(archive), "busybox", "copy:2", check=True)
    other = make_root(images=False)
    done = other.cli("load", "-q", "-i", str(archive), check=True)

    assert sorted(done.stdout.splitlines()) == [
        "Loaded image: busybox:latest", "Loaded image: copy:2",
    ]  # fmt: skip
    assert os.listdir(other.paths.blobs) == ["sha256"]
    with other.engine() as second:
        assert second.resolve("busybox").id == busybox.id
        _, output = foreground(second, "cat", "/etc/passwd", image="copy:2")
        assert output.text.startswith("root:")
        second.images.remove("copy:2")
        second.images.remove("busybox")
        assert_nothing_left(other, second)


def test_a_layout_in_a_directory_is_loaded(loader: Engine, tmp_path: Path) -> None:
    for name, data in archives.oci([BASE], "localhost/laid:out").items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    (loaded,) = loader.load(str(tmp_path))
    assert loaded.names == (Reference.parse("localhost/laid:out"),)
    assert tree(loader, "localhost/laid:out")["/d/deep"] == b"three"


def test_an_image_without_a_name_is_told_by_its_id(bare: Root, tmp_path: Path) -> None:
    archive = tmp_path / "nameless.tar"
    archive.write_bytes(archives.tar(archives.docker([BASE])))
    done = bare.cli("load", "--input", str(archive), check=True)
    assert done.stdout == f"Loaded image ID: sha256:{archives.digest(archives.config([BASE]))}\n"
    history = bare.cli(
        "history", "--no-trunc", "--format", "{{.ID}} {{.CreatedBy}}", done.stdout[17:].strip()
    )
    assert history.stdout == f"{done.stdout[17:].strip()} layer 0\n"


def _changed(files: Files, name: str, data: bytes) -> Files:
    return {**files, name: data}


def _without(files: Files, part: str) -> Files:
    return {name: data for name, data in files.items() if part not in name}


def _hostile_layer(entry: tarfile.TarInfo) -> Files:
    return archives.docker([archives.tar({"ok": b"x", entry.name: entry})], "evil:1")


def _device_for_deletion() -> tarfile.TarInfo:
    entry = tarfile.TarInfo("device")
    entry.type = tarfile.CHRTYPE
    return entry


def _lying_size() -> Files:
    files = archives.oci([BASE], "evil:1")
    index = json.loads(files["index.json"])
    index["manifests"][0]["size"] += 1
    return _changed(files, "index.json", json.dumps(index).encode())


MANIFEST, INDEX, CONFIG = (
    f"application/vnd.oci.image.{kind}.v1+json" for kind in ("manifest", "index", "config")
)


def _confused(served_as: str, *, config_as: str = CONFIG, **extra: object) -> Files:
    """A layout whose manifest is served as another type, or has something besides."""
    files = archives.oci([BASE], "evil:1")
    top = json.loads(files["index.json"])["manifests"][0]
    manifest = json.loads(files[f"blobs/sha256/{top['digest'][7:]}"])
    manifest["config"]["mediaType"] = config_as
    manifest |= extra
    data = json.dumps({name: part for name, part in manifest.items() if part is not None}).encode()
    files[f"blobs/sha256/{archives.digest(data)}"] = data
    top |= {"mediaType": served_as, "digest": f"sha256:{archives.digest(data)}", "size": len(data)}
    return {**files, "index.json": json.dumps({"schemaVersion": 2, "manifests": [top]}).encode()}


def _inside(files: Files) -> list[object]:
    """The descriptors of a layout."""
    found: list[object] = json.loads(files["index.json"])["manifests"]
    return found


def _manifest_for_an_index() -> Files:
    files = _confused(MANIFEST)
    top = json.loads(files["index.json"])["manifests"][0]
    return _changed(files, "index.json", files[f"blobs/sha256/{top['digest'][7:]}"])


def _configuration_that_is_a_manifest() -> Files:
    """The one document is the image's configuration, and the manifest of another."""
    return archives.oci([BASE], "evil:1", manifests=_inside(archives.oci([TOP])), mediaType=INDEX)


def _bomb() -> Files:
    """A layer of nothing but zeros that says that it is larger than any disk."""
    entry = tarfile.TarInfo("zeros")
    entry.size = 1 << 45
    entry_header = entry.tobuf(tarfile.GNU_FORMAT)
    return archives.docker([entry_header + bytes(1 << 20)], "evil:1")


DIGEST = "sha256:" + "0" * 64
LAYERS = [DIGEST] * 100_000
HOSTILE: dict[str, tuple[Callable[[], Mapping[str, bytes | tarfile.TarInfo]], str]] = {
    "no archive": (lambda: {"file": b"x"}, "neither manifest.json nor index.json"),
    "a path that ends early in C": (
        lambda: archives.docker([BASE], config={"Volumes": {"/proc\0x": {}}}), "NUL byte",
    ),
    "a time that is none": (
        lambda: archives.docker([BASE], created="yesterday\x1b[2J"), "for a time",
    ),
    "a time of a step that is none": (
        lambda: archives.docker([BASE], history=[{"created": "99999-01-01T00:00:00Z"}]),
        "for a time",
    ),
    "deep JSON": (lambda: {"manifest.json": b"[" * 1_000_000}, "makes no sense"),
    "a path out of it": (
        lambda: _changed(archives.docker([BASE]), "../../escape", b"x"), "tries to leave",
    ),
    "a link out of it": (
        lambda: {"manifest.json": archives.link("manifest.json", "../../../../etc/passwd")},
        "neither manifest.json",
    ),
    "links in a circle": (
        lambda: {"manifest.json": archives.link("manifest.json", "manifest.json")},
        "neither manifest.json",
    ),
    "a device among its files": (
        lambda: {**archives.docker([BASE]), "device": _device_for_deletion()}, "files, directories",
    ),
    "a layer that is missing": (lambda: _without(archives.docker([BASE]), "layer.tar"), "have"),
    "a configuration that is missing": (
        lambda: _changed(archives.docker([BASE]), "manifest.json",
                         b'[{"Config":"none.json","Layers":[]}]'), "doesn't have",
    ),
    "another layer than promised": (
        lambda: _changed(archives.docker([BASE], "evil:1"), f"{0:064x}/layer.tar", TOP),
        "its digest unpacked is",
    ),
    "another configuration than promised": (
        lambda: _changed(archives.docker([BASE]),
                         f"{archives.digest(archives.config([BASE]))}.json", b"{}"), "the digest",
    ),
    "a size that is a lie": (_lying_size, "the digest"),
    "a layer that leaves its directory": (
        lambda: archives.docker([archives.tar({"../../escape": b"x"})], "evil:1"), "tries to leave",
    ),
    "a layer that hides its own deletion": (
        lambda: _hostile_layer(_device_for_deletion()), "takes for a deletion",
    ),
    "a layer larger than any disk": (_bomb, "larger than"),
    "a layer that ends early": (lambda: archives.docker([BASE[:700]], "evil:1"), "damaged|early"),
    "a layer that is no tar": (lambda: archives.docker([b"not a tar" * 99], "evil:1"), "damaged"),
    "JSON deeper than any stack": (
        lambda: _changed(archives.docker([BASE]), "manifest.json", b"[" * 500_000), "no sense",
    ),
    "a configuration deeper than any stack": (
        lambda: {"manifest.json": b'[{"Config":"c.json"}]', "c.json": b"[" * 500_000},
        "no image configuration",
    ),
    "a document of 5 MB": (
        lambda: _changed(archives.docker([BASE]), "manifest.json", b" " * 5_000_000), "bytes",
    ),
    "100,000 layers": (
        lambda: _changed(
            archives.docker([BASE]), "manifest.json",
            json.dumps([{"Config": "c.json", "Layers": ["l"] * 100_000}]).encode(),
        ) | {"c.json": archives.config([], rootfs={"type": "layers", "diff_ids": LAYERS[:30_000]})},
        "layers",
    ),
    "126 layers": (
        lambda: archives.docker([archives.layer(**{f"f{n}": b""}) for n in range(126)]),
        "at most 125",
    ),
    "diff ids of another kind": (
        lambda: archives.docker([BASE], rootfs={"type": "layers", "diff_ids": ["../../x"]}),
        "sha256",
    ),
    "an image of another system": (lambda: archives.docker([BASE], os="windows"), "only Linux"),
    "a name that is none": (lambda: archives.docker([BASE], "../UPPER:x y"), "invalid reference"),
    "a tag for a digest": (lambda: archives.docker([BASE], f"evil:1@{DIGEST}"), "by digest"),
    "a name by digest": (lambda: archives.docker([BASE], f"evil@{DIGEST}"), "by digest"),
    "a manifest for index.json": (_manifest_for_an_index, "no image index"),
    "a manifest served as an index": (lambda: _confused(INDEX), "no image index"),
    "an index served as a manifest": (
        lambda: _confused(MANIFEST, config=None, layers=None,
                          manifests=_inside(archives.oci([BASE]))), "no image manifest",
    ),
    "a manifest with an index in it": (
        lambda: _confused(MANIFEST, manifests=_inside(archives.oci([TOP]))), "it has 'manifests'",
    ),
    "an index with a manifest in it": (
        lambda: _confused(INDEX, manifests=_inside(archives.oci([TOP]))), "it has 'config'",
    ),
    "a manifest that says that it is an index": (
        lambda: _confused(MANIFEST, mediaType=INDEX), "it has 'application/vnd.oci.image.index",
    ),
    "a manifest of Docker's first version besides": (
        lambda: _confused(MANIFEST, fsLayers=[{"blobSum": DIGEST}]), "it has 'fs_layers'",
    ),
    "a manifest served as a configuration": (
        lambda: _confused(CONFIG), "of the type .*config.* which is no image",
    ),
    "a configuration of another type": (
        lambda: _confused(MANIFEST, config_as=MANIFEST), "of the type .*manifest.* which is no",
    ),
    "a configuration that is a manifest": (
        _configuration_that_is_a_manifest, "no image configuration, or not only that",
    ),
    "a manifest for a layer": (
        lambda: _confused(MANIFEST, layers=[{"mediaType": MANIFEST, "digest": DIGEST, "size": 2}]),
        "a layer is of the type",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", HOSTILE)
def test_an_archive_that_lies_is_refused_and_leaves_nothing(
    what: str, loader: Engine, bare: Root
) -> None:
    make, said = HOSTILE[what]
    with pytest.raises(DockyardError, match=said) as caught:
        loader.load(stream(make()))
    assert caught.value.hint
    assert_nothing_left(bare, loader)
    assert not list(bare.base.rglob("*escape*"))


def test_an_archive_without_confusion_is_loaded(loader: Engine) -> None:
    """So that what is refused above is refused for that reason alone."""
    for files in (_confused(MANIFEST), _confused(MANIFEST, mediaType=MANIFEST)):
        (loaded,) = loader.load(stream(files))
        assert [name.familiar for name in loaded.names] == ["evil:1"]


def test_no_name_of_an_archive_stands_for_a_digest(loader: Engine) -> None:
    """Neither a tag that is spelled as an image's id, nor an annotation with a digest."""
    (good,) = loader.load(stream(archives.docker([BASE], "good:1")))
    digits = good.image.id.removeprefix("sha256:")
    named = archives.docker([TOP], digits, f"sha256:{digits}")
    (evil,) = loader.load(stream(named))
    assert len(evil.names) == 2
    (nameless,) = loader.load(stream(archives.oci([TOP], f"docker.io/library/good:1@{DIGEST}")))
    assert nameless.names == ()
    for meant in (digits, good.image.id, "good:1"):
        assert loader.resolve(meant).id == good.image.id
    for other in (f"good:1@{DIGEST}", f"good@{DIGEST}", f"good:1@{evil.image.id}"):
        with pytest.raises(NotFound):
            loader.resolve(other)


def test_a_file_behind_a_link_of_a_layer_lands_in_the_layer(loader: Engine, bare: Root) -> None:
    up = archives.link("up", "../../../../..")
    loader.load(stream(archives.docker([archives.tar({"up": up, "up/escape": b"x"})], "in:1")))
    found = [path.relative_to(bare.paths.layers).parts[1:] for path in bare.base.rglob("escape")]
    assert found == [("escape",)]


def test_an_archive_of_more_entries_than_an_image_has_is_refused(
    loader: Engine, bare: Root
) -> None:
    header = tarfile.TarInfo("x").tobuf(tarfile.GNU_FORMAT)
    with pytest.raises(HostileInput, match="more than 100000 entries"):
        loader.load(io.BytesIO(header * 100_001 + bytes(1024)))
    assert_nothing_left(bare, loader)


def test_a_wrong_second_image_leaves_not_even_the_first(loader: Engine, bare: Root) -> None:
    good, bad = archives.docker([BASE], "good:1"), archives.docker([TOP], "bad:1")
    both = json.loads(good["manifest.json"]) + json.loads(bad["manifest.json"])
    both[1]["Layers"] = ["missing/layer.tar"]
    files = {**bad, **good, "manifest.json": json.dumps(both).encode()}
    with pytest.raises(ContentMismatch, match="missing/layer"):
        loader.load(stream(files))
    assert_nothing_left(bare, loader)


def test_a_layout_whose_links_lead_out_of_it_is_refused(
    loader: Engine, bare: Root, tmp_path: Path
) -> None:
    (tmp_path / "secret.json").write_text("[]")
    (tmp_path / "layout").mkdir()
    (tmp_path / "layout" / "manifest.json").symlink_to("../secret.json")
    with pytest.raises(InvalidInput, match="neither"):
        loader.load(str(tmp_path / "layout"))
    assert_nothing_left(bare, loader)


def test_import_makes_an_image_that_runs(root: Root, engine: Engine, tmp_path: Path) -> None:
    busybox = engine.resolve("busybox")
    directory = engine.images.directories(busybox)[0]
    archive = tmp_path / "tree.tar"
    with tarfile.open(archive, "w") as tar:
        tar.add(os.path.realpath(directory), ".")
    done = root.cli(
        "import", "--change", 'ENTRYPOINT ["/bin/echo", "$HI"]', "-c", "ENV HI=there A=${HI:-b}",
        "-c", "EXPOSE 80", "-c", "WORKDIR /tmp", "-m", "by hand", str(archive), "imported:1",
        check=True,
    )  # fmt: skip
    image = engine.resolve("imported:1")
    config = image.config.config

    assert done.stdout.strip() == image.id
    assert (config.entrypoint, config.env) == (("/bin/echo", "$HI"), ("HI=there", "A=b"))
    assert (config.working_dir, list(config.exposed_ports)) == ("/tmp", ["80/tcp"])
    _, output = foreground(engine, "ls", image="imported:1")
    assert output.text == "$HI ls\n"
    history = root.cli("history", "imported:1", check=True).stdout.splitlines()
    assert history[0].split() == ["IMAGE", "CREATED", "CREATED", "BY", "SIZE", "COMMENT"]
    assert history[1].endswith("by hand")
    shown = root.cli("history", "--human=false", "--format", "{{.Size}}", "imported:1", check=True)
    assert shown.stdout.strip() == str(image.size)


@pytest.mark.parametrize(
    ("change", "said"),
    [("RUN true", "RUN is not a valid change command"), ("FROM x", "FROM is not"),
     ("NONSENSE", "unknown instruction"), ("EXPOSE 99999", "99999")],
)  # fmt: skip
def test_a_change_that_is_none_is_refused(
    change: str, said: str, loader: Engine, bare: Root
) -> None:
    with pytest.raises(DockyardError, match=said):
        loader.import_tree(io.BytesIO(BASE), changes=[change])
    assert_nothing_left(bare, loader)


def test_a_platform_is_the_images_own_or_refused(
    bare: Root, loader: Engine, tmp_path: Path
) -> None:
    source, back = tmp_path / "a.tar", str(tmp_path / "back.tar")
    source.write_bytes(archives.tar({"f": b"x"}))
    done = bare.cli("import", "--platform", "linux/arm/v7", str(source), "arm:1", check=True)
    config = loader.resolve(done.stdout.strip()).config
    assert (config.architecture, config.variant) == ("arm", "v7")
    assert "plan9" in bare.cli("import", "--platform", "plan9/amd64", str(source)).stderr

    for command in (["history"], ["save", "-o", back]):
        bare.cli(*command, "--platform", "linux/arm/v7", "arm:1", check=True)
        refused = bare.cli(*command, "--platform", "linux/arm64", "arm:1")
        assert refused.returncode != 0
        assert "does not match the specified platform (linux/arm64)" in refused.stderr
    bare.cli("rmi", "arm:1", check=True)
    assert bare.cli("load", "--platform", "linux/arm64", "-i", back).returncode != 0
    assert_nothing_left(bare, loader)
    bare.cli("load", "--platform", "linux/arm/v7", "-i", back, check=True)
    assert loader.resolve("arm:1").config == config


def test_an_import_that_leaves_its_directory_leaves_nothing(loader: Engine, bare: Root) -> None:
    with pytest.raises(HostileInput, match="tries to leave"):
        loader.import_tree(io.BytesIO(archives.tar({"../../escape": b"x"})), tag="evil:1")
    assert_nothing_left(bare, loader)


def test_a_load_that_is_killed_leaves_nothing(bare: Root, loader: Engine) -> None:
    big = archives.layer(**{f"f{number}": os.urandom(1 << 16) for number in range(64)})
    whole = archives.tar(archives.docker([BASE, big], "late:1"))
    process = bare.start("load", stdin=subprocess.PIPE)
    assert process.stdin is not None
    with open(process.stdin.fileno(), "wb", closefd=False) as pipe:
        pipe.write(whole[: len(whole) // 2])
    while not list(Path(bare.paths.workspaces).rglob("archive")):
        assert process.poll() is None
    process.kill()
    process.wait()
    process.stdin.close()

    bare.cli("images", check=True)
    assert_nothing_left(bare, loader)
