"""One function a target: it takes any bytes, and raises where something is wrong.

Errors of ours are answers. Anything else that leaves a target is a finding: another exception, a
result that contradicts itself, a trace outside of the directory that was given.
"""

from __future__ import annotations

import contextlib
import io
import os
import tarfile
import tempfile
from collections.abc import Callable, Iterator

from dockyard.build.dockerfile import ignore, parser
from dockyard.build.lower import lower
from dockyard.build.names import Settings
from dockyard.build.sharing import importing
from dockyard.build.sharing.places import CacheFrom
from dockyard.cli import template
from dockyard.containers import logs
from dockyard.errors import DockyardError
from dockyard.images import load_documents, untar
from dockyard.images.growth import Growth
from dockyard.images.parts import Slice, TarParts
from dockyard.oci import digest as digests
from dockyard.oci import image as oci
from dockyard.oci.reference import Reference
from dockyard.security import seccomp

Target = Callable[[bytes], None]

_SMALL = untar.Limits(entries=2_000, bytes=1 << 22)
_PATHS = (".", "a", "a/b", "a/b/c.py", "weights.bin", ".git/config", "sub dir/é", "x" * 300)


def dockerfile(data: bytes) -> None:
    """The lexer, the parser, and the graph of what has no base image."""
    text = data.decode("utf-8", errors="replace")
    settings = Settings(architecture="amd64", build_args={"GIVEN": "1"})
    with contextlib.suppress(DockyardError):
        parsed = parser.parse(text)
        assert parsed.stages
        if all(stage.base.image.lower() == "scratch" for stage in parsed.stages):
            with contextlib.suppress(DockyardError):
                plan = lower(parsed, {}, settings)
                assert 0 <= plan.target < len(plan.vertices)


def dockerignore(data: bytes) -> None:
    """Patterns, and the answers to them: the same twice, and never for the root."""
    with contextlib.suppress(DockyardError):
        rules = ignore.compile_patterns(data.decode("utf-8", errors="replace")[:2_000])
        answers = [rules.excludes(path) for path in _PATHS]
        assert answers == [rules.excludes(path) for path in _PATHS]
        for path, excluded in zip(_PATHS, answers, strict=True):
            below = f"{path}/deeper"
            if excluded and not rules.may_reinclude_below(path):
                assert rules.excludes(below), "a skipped directory would have had a kept file"


def reference(data: bytes) -> None:
    """A name that parses means the same when it is written out."""
    with contextlib.suppress(DockyardError):
        parsed = Reference.parse(data.decode("utf-8", errors="replace"))
        assert Reference.parse(str(parsed)) == parsed
        assert Reference.parse(parsed.familiar) == parsed
        for part in (parsed.registry, parsed.path, parsed.tag or ""):
            assert ".." not in part.split("/")
            assert not part.startswith("/")


def config(data: bytes) -> None:
    """An image's configuration: what was understood can be written and read again."""
    with contextlib.suppress(DockyardError):
        parsed = oci.decode_config(data)
        oci.refuse_other_kinds(data)
        assert oci.decode_config(oci.encode(parsed)) == parsed


def manifest(data: bytes) -> None:
    """Manifests and indexes, of which nothing is both."""
    kinds = []
    for decode in (oci.decode_manifest, oci.decode_index):
        with contextlib.suppress(DockyardError):
            parsed = decode(data)
            assert decode(oci.encode(parsed)) == parsed
            kinds.append(decode)
    assert len(kinds) < 2, "a document is a manifest and an index at once"


def archive(data: bytes) -> None:
    """Any bytes as a layer."""
    with _guarded() as directory, contextlib.suppress(DockyardError):
        untar.extract(io.BytesIO(data), directory, whiteouts=True, limits=_SMALL)


def layer(data: bytes) -> None:
    """A layer whose entries the bytes describe: names, kinds and targets made to collide."""
    with _guarded() as directory, contextlib.suppress(DockyardError):
        untar.extract(_described(data), directory, whiteouts=True, limits=_SMALL)


def log(data: bytes) -> None:
    """A container's log, as a damaged disk or a container may have made it."""
    with tempfile.NamedTemporaryFile(prefix="dockyard-fuzz-") as file:
        file.write(data)
        file.flush()
        entries = list(logs.read(file.name, follow=False, ended=lambda: True, tail=None,
                                 since=None))  # fmt: skip
        last = list(logs.read(file.name, follow=False, ended=lambda: True, tail=2, since=None))
        assert sum(len(entry.data) for entry in entries) <= len(data) + len(entries)
        assert entries[len(entries) - len(last) :] == last


def output_template(data: bytes) -> None:
    """``--format``."""
    values = {"Names": "one", "Labels": {"a": "b"}, "Ports": [{"Host": 80}], "Size": 3}
    with contextlib.suppress(DockyardError):
        parts = template.parse(data.decode("utf-8", errors="replace"))
        assert isinstance(template.render(parts, values), str)


def seccomp_profile(data: bytes) -> None:
    """``--security-opt seccomp=FILE``."""
    with contextlib.suppress(DockyardError):
        seccomp.load_profile(data, ["CAP_CHOWN"], "amd64", (6, 1))


def docker_archive(data: bytes) -> None:
    """``load`` on Docker's form: ``manifest.json``, then configurations, by their numbers."""
    documents = data.split(b"\0")
    files = {f"{number}.json": content for number, content in enumerate(documents)}
    _images(_Files({**files, "manifest.json": documents[0]}))


def layout(data: bytes) -> None:
    """``load`` on an OCI image layout: ``index.json``, then the documents that it names."""
    _images(_layout(data))


def cache(data: bytes) -> None:
    """``--cache-from``: ``index.json``, then the documents that it names."""
    with contextlib.suppress(DockyardError):
        source = importing.read(_layout(data), CacheFrom(src="fuzz"))
        assert len(source.contents.layers) == len(source.places)
        for record in source.records.values():
            for number in record.layers:
                assert digests.is_digest(source.contents.layers[number].diff_id)
                assert source.places[number].path.startswith("blobs/sha256/")


def image_archive(data: bytes) -> None:
    """Any bytes as what ``load`` gets."""
    with tempfile.TemporaryDirectory(prefix="dockyard-fuzz-") as base:
        with contextlib.suppress(DockyardError):
            parts = TarParts(io.BytesIO(data), f"{base}/spool", Growth(base))
            try:
                _images(parts)
            finally:
                parts.close()
        assert os.listdir(base) in ([], ["spool"])


def _images(parts: _Files | TarParts) -> None:
    with contextlib.suppress(DockyardError):
        for image in load_documents.images_of(parts, "amd64"):
            assert image.config.os == "linux"
            assert len(image.layers) == len(image.config.rootfs.diff_ids)
            assert len(image.layers) <= load_documents.MAX_LAYERS
            assert all(digests.is_digest(blob.diff_id) for _, blob in image.layers)
            assert all(Reference.parse(str(name)) == name for name in image.names)


def _layout(data: bytes) -> _Files:
    """In a document ``@2`` stands for the digest of the one with that number, ``#2`` for its size.

    So changes of a document leave what names it right.
    """
    documents = data.split(b"\0")[:8]
    for number in range(len(documents) - 1, 0, -1):
        own = documents[number]
        for before in range(number):
            documents[before] = (
                documents[before]
                .replace(b"@%d" % number, digests.of(own).encode())
                .replace(b"#%d" % number, b"%d" % len(own))
            )
    files = {f"blobs/sha256/{digests.hex_of(digests.of(each))}": each for each in documents}
    return _Files({**files, "index.json": documents[0]})


class _Files:
    """An archive in memory."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self._files = files

    def open(self, name: str) -> Slice | None:
        content = self._files.get(name)
        if content is None:
            return None
        descriptor = os.memfd_create("fuzz")
        os.write(descriptor, content)
        return Slice(descriptor, 0, len(content), owned=True)

    def close(self) -> None:
        pass


TARGETS: dict[str, Target] = {
    "dockerfile": dockerfile,
    "dockerignore": dockerignore,
    "reference": reference,
    "config": config,
    "manifest": manifest,
    "docker-archive": docker_archive,
    "layout": layout,
    "cache": cache,
    "image-archive": image_archive,
    "archive": archive,
    "layer": layer,
    "log": log,
    "template": output_template,
    "seccomp": seccomp_profile,
}


@contextlib.contextmanager
def _guarded() -> Iterator[str]:
    """A directory to unpack in, whose surroundings must stay as they are."""
    with tempfile.TemporaryDirectory(prefix="dockyard-fuzz-") as base:
        place = f"{base}/place"
        os.mkdir(place)
        os.mkdir(f"{base}/beside", 0o751)
        with open(f"{base}/beside/victim", "w", encoding="ascii") as stream:
            stream.write("untouched")
        before = _seen(base)
        yield place
        assert _seen(base) == before, "something outside of the directory changed"


def _seen(base: str) -> list[object]:
    found: list[object] = [sorted(os.listdir(base)), sorted(os.listdir(f"{base}/beside"))]
    for name in ("beside", "beside/victim"):
        status = os.lstat(f"{base}/{name}")
        found.append((status.st_mode, status.st_uid, status.st_gid, status.st_nlink,
                      status.st_size, status.st_mtime_ns))  # fmt: skip
    return found


_NAMES = ("a", "b", "a/b", "a/b/c", ".wh.a", "a/.wh..wh..opq", ".wh.", "..", "../beside/victim",
          "/beside", "a/../../beside", "b/.wh.b", "beside", ".", "", "a//b", "./a", "\xff\xfe",
          "../../../../etc/dockyard-fuzz", "x" * 260)  # fmt: skip
_KINDS = (tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE,
          tarfile.CHRTYPE, tarfile.GNUTYPE_SPARSE, b"7")  # fmt: skip


def _described(data: bytes) -> io.BytesIO:
    """A tar with an entry for every five bytes."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for at in range(0, min(len(data), 250) - 4, 5):
            name, kind, target, mode, size = data[at : at + 5]
            member = tarfile.TarInfo(_NAMES[name % len(_NAMES)] or "empty")
            member.type = _KINDS[kind % len(_KINDS)]
            member.linkname = _NAMES[target % len(_NAMES)]
            member.mode = mode * 16
            content = bytes(size) if member.type == tarfile.REGTYPE else b""
            member.size = len(content)
            if mode == 1:
                member.pax_headers = {"SCHILY.xattr.trusted.overlay.opaque": "y"}
            if mode == 2:
                member.pax_headers = {"GNU.sparse.size": "99999999", "GNU.sparse.major": "1"}
            tar.addfile(member, io.BytesIO(content))
    return io.BytesIO(out.getvalue())
