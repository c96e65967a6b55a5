from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.support import installed

from dockyard.errors import StateError
from dockyard.images.packages import conda
from dockyard.images.packages import divide as divide_module
from dockyard.images.packages.budget import Level
from dockyard.images.packages.divide import Divided, divide
from dockyard.images.packages.model import UNDIVIDED, Files

ROOMY = Level(48, 8)
SITE = "usr/lib/python3.11/site-packages"
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="makes whiteouts")


@pytest.fixture
def upper(tmp_path: Path) -> Path:
    (tmp_path / "upper" / SITE).mkdir(parents=True)
    return tmp_path / "upper"


def divided(upper: Path, level: Level = ROOMY) -> Divided:
    return divide(str(upper), str(upper.parent / "layers"), level)


def content(directory: str) -> set[str]:
    """Everything in a layer but directories that lead to something."""
    found = {str(path.relative_to(directory)) for path in Path(directory).rglob("*")}
    return {path for path in found if not any(each.startswith(f"{path}/") for each in found)}


def layers(result: Divided) -> dict[str, set[str]]:
    """What each layer holds, by its note."""
    assert len(result.division.notes) == len(result.directories)
    return {
        note: content(directory)
        for note, directory in zip(result.division.notes, result.directories, strict=True)
    }


def everything(directories: Sequence[str]) -> dict[str, tuple[object, ...]]:
    """All that a mount of the layers shows; asserts that what several have is the same in each."""
    found: dict[str, tuple[object, ...]] = {}
    for directory in directories:
        for path in (Path(directory), *Path(directory).rglob("*")):
            name = str(path.relative_to(directory))
            said = described(path)
            assert found.setdefault(name, said) == said, name
    return found


def described(path: Path) -> tuple[object, ...]:
    status = path.lstat()
    names = sorted(os.listxattr(path, follow_symlinks=False))
    values = [os.getxattr(path, name, follow_symlinks=False) for name in names]
    regular = path.is_file() and not path.is_symlink()
    return (
        status.st_mode, status.st_uid, status.st_gid, status.st_mtime_ns, status.st_rdev,
        status.st_nlink if not stat.S_ISDIR(status.st_mode) else 0, names, values,
        path.read_bytes() if regular else b"", str(path.readlink()) if path.is_symlink() else "",
    )  # fmt: skip


def test_a_step_without_packages_stays_as_it_is(upper: Path) -> None:
    (upper / "file").write_text("x")

    assert divided(upper) == Divided((str(upper),), UNDIVIDED)


def test_files_scripts_and_data_go_with_their_distribution(upper: Path) -> None:
    installed.wheel(
        upper / SITE, "tool", "1.2",
        {"tool/__init__.py": b"", "../../../bin/tool": b"#!/bin/sh", "../../../share/t/d": b"d",
         "tool/__pycache__/__init__.cpython-311.pyc": b"c"},
        requested=True,
    )  # fmt: skip
    (upper / "etc").mkdir()
    (upper / "etc/else").write_text("")

    info = f"{SITE}/tool-1.2.dist-info"
    assert layers(divided(upper)) == {
        "": {f"{info}/RECORD", f"{info}/INSTALLER", f"{info}/REQUESTED", "etc/else"},
        "tool 1.2": {
            f"{info}/METADATA", f"{SITE}/tool/__init__.py", "usr/bin/tool", "usr/share/t/d",
            f"{SITE}/tool/__pycache__/__init__.cpython-311.pyc",
        },
    }  # fmt: skip


def test_what_differs_from_the_record_stays(upper: Path) -> None:
    """By content, by size alone, and what is a link now."""
    files = {"a/same.py": b"1", "a/content.py": b"12", "a/size.py": b"123", "a/link.py": b"1"}
    installed.wheel(upper / SITE, "a", "1", files, lied={"a/content.py": b"21", "a/size.py": b"1"})
    (upper / SITE / "a/link.py").unlink()
    (upper / SITE / "a/link.py").symlink_to("same.py")
    found = layers(divided(upper))

    assert {path for path in found[""] if "dist-info" not in path} == {
        f"{SITE}/a/{name}.py" for name in ("content", "size", "link")
    }
    assert f"{SITE}/a/same.py" in found["a 1"]


@needs_root
def test_the_tree_is_the_same_whichever_layer_lies_on_top(upper: Path) -> None:
    """Namespace packages, hard links, whiteouts, empty directories, owners, attributes, times."""
    site = upper / SITE
    for number in range(6):
        installed.wheel(site, f"ns-{number}", "1", {f"ns/p{number}/m.py": b"%d" % number})
    os.link(site / "ns/p0/m.py", site / "hard.py")
    os.mknod(site / "old.py", stat.S_IFCHR, 0)
    os.mknod(upper / "ns", stat.S_IFCHR, 0)
    (upper / "empty/inner").mkdir(parents=True)
    (site / "ns/p1/empty").mkdir()
    (upper / "link").symlink_to("nowhere")
    os.chown(site / "ns", 7, 8)
    (site / "ns").chmod(0o2775)
    os.chown(upper, 5, 6)
    upper.chmod(0o1777)
    os.setxattr(site / "ns", "user.mark", b"here")
    os.setxattr(site / "ns/p2/m.py", "user.mark", b"file")
    for number, path in enumerate(sorted(upper.rglob("*"), reverse=True)):
        os.utime(path, ns=(1, 10**18 + 7 * number), follow_symlinks=False)
    os.utime(upper, ns=(2, 3))
    before = everything([str(upper)])
    found = divided(upper)

    assert everything(found.directories) == before
    assert len(found.directories) > 3
    whiteouts = {f"{SITE}/old.py", "ns", "empty/inner", f"{SITE}/ns/p1/empty"}
    assert whiteouts <= content(found.directories[0])
    (holder,) = (each for each in found.directories if f"{SITE}/hard.py" in content(each))
    assert f"{SITE}/ns/p0/m.py" in content(holder)


def test_directories_that_only_led_to_packages_are_not_in_the_rest(upper: Path) -> None:
    installed.wheel(upper / SITE, "deep", "1", {"deep/a/b/c.py": b""})
    rest = divided(upper).directories[0]

    assert sorted(os.listdir(f"{rest}/{SITE}")) == ["deep-1.dist-info"]


def test_where_nothing_is_left_there_is_no_rest(upper: Path) -> None:
    """The record goes along as another name of a file that is claimed."""
    info = installed.wheel(upper / SITE, "whole", "1", {"whole.py": b""}, more="list,,")
    (info / "INSTALLER").unlink()
    os.link(info / "RECORD", upper / SITE / "list")

    assert set(layers(divided(upper))) == {"whole 1"}


def test_what_a_package_brings_along_for_itself_is_its_own(upper: Path) -> None:
    """setuptools has distributions with records inside."""
    inner = installed.wheel(upper / SITE / "big/_vendor", "small", "3", {"small.py": b"s"})
    files = {
        str(path.relative_to(upper / SITE)): path.read_bytes()
        for path in (*inner.iterdir(), inner.parent / "small.py")
    }
    installed.wheel(upper / SITE, "big", "1", files)
    found = layers(divided(upper))

    assert set(found) == {"", "big 1"}
    assert f"{SITE}/big/_vendor/small-3.dist-info/RECORD" in found["big 1"]


def test_conda_owns_what_it_installed_and_its_own_records_stay(upper: Path) -> None:
    info = installed.wheel(upper / SITE, "numpy", "2.0", {"numpy/__init__.py": b"n"})
    files = {
        str(path.relative_to(upper / "usr")): path.read_bytes()
        for path in (*info.iterdir(), info.parent / "numpy/__init__.py")
    }
    installed.conda(upper / "usr", "numpy-base", "2.0", {**files, "lib/x.so": b"so"})
    (upper / "usr/conda-meta/history").write_text("")
    found = layers(divided(upper))

    assert set(found) == {"", "numpy-base 2.0"}
    assert found[""] == {"usr/conda-meta/history", "usr/conda-meta/numpy-base-2.0-0.json"}


def test_conda_owns_what_is_in_its_cache_as_well(upper: Path) -> None:
    """Its packages are unpacked there, records of pip's kind and all, and linked."""
    cache = upper / "usr/pkgs/numpy-2.0-0/lib/python3.11/site-packages"
    info = installed.wheel(cache, "numpy", "2.0", {"numpy/__init__.py": b"n"})
    files = {
        str(path.relative_to(upper / "usr/pkgs/numpy-2.0-0")): path
        for path in (*info.iterdir(), cache / "numpy/__init__.py")
    }
    contents = {name: path.read_bytes() for name, path in files.items()}
    installed.conda(upper / "usr", "numpy", "2.0", contents)
    for name, path in files.items():
        (upper / "usr" / name).unlink()
        os.link(path, upper / "usr" / name)
    found = layers(divided(upper))

    assert found == {
        "": {"usr/conda-meta/numpy-2.0-0.json"},
        "numpy 2.0": {f"usr/{name}" for name in files}
        | {f"usr/pkgs/numpy-2.0-0/{name}" for name in files},
    }


def test_an_editable_installation_is_its_finder_alone(upper: Path) -> None:
    installed.wheel(upper / SITE, "app", "0", {"__editable__.app-0.pth": b"/src/app"})
    (upper / "src/app").mkdir(parents=True)
    (upper / "src/app/main.py").write_text("")
    found = layers(divided(upper))

    assert f"{SITE}/__editable__.app-0.pth" in found["app 0"]
    assert "src/app/main.py" in found[""]


def test_an_egg_info_vouches_for_nothing(upper: Path) -> None:
    egg = upper / SITE / "old-1.egg-info"
    egg.mkdir()
    (egg / "installed-files.txt").write_text("../old.py\n")
    (upper / SITE / "old.py").write_text("")

    assert divided(upper).division == UNDIVIDED


def test_a_record_claims_only_what_this_step_has(upper: Path) -> None:
    installed.wheel(
        upper / SITE, "a", "1", {"a.py": b""},
        more="below.py,,\n../../../../../../../../etc/passwd,,\n/etc/shadow,,",
    )  # fmt: skip
    found = divided(upper)

    assert f"{SITE}/a.py" in layers(found)["a 1"]


@pytest.mark.parametrize("level", [Level(1, 0), Level(2, 1), Level(8, 2)])
def test_there_are_as_many_layers_as_allowed(upper: Path, level: Level) -> None:
    for number in range(30):
        installed.wheel(upper / SITE, f"d{number}", "1", {f"d{number}.py": b""})
    before = everything([str(upper)])
    found = divided(upper, level)

    assert len(found.directories) == level.layers if level.layers <= 2 else 3
    assert everything(found.directories) == before


def test_nothing_is_followed_out_of_the_directory(upper: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    installed.wheel(outside, "evil", "1", {"evil.py": b"evil"})
    (upper / "site").symlink_to(outside)
    installed.wheel(
        upper / SITE, "good", "1", {}, more="../../../../site/evil.py,,\n../../../../site,,"
    )
    divided(upper)

    assert (outside / "evil.py").read_bytes() == b"evil"
    assert (outside / "evil-1.dist-info" / "RECORD").exists()


def test_a_failure_names_the_directory(upper: Path) -> None:
    installed.wheel(upper / SITE, "a", "1", {"a.py": b""})
    (upper.parent / "layers").mkdir()

    with pytest.raises(StateError, match="cannot make layers of"):
        divided(upper)


def test_a_build_that_is_cancelled_reads_no_further(upper: Path) -> None:
    """What comes of it is thrown away, so it may be anything that is well formed."""
    installed.wheel(upper / SITE, "a", "1", {"a.py": b"a", "b.py": b"b"})
    asked: list[None] = []

    def cancelled() -> bool:
        asked.append(None)
        return True

    found = divide(str(upper), str(upper.parent / "layers"), ROOMY, cancelled)

    assert asked
    assert found.directories == (str(upper),)


def test_a_build_that_is_cancelled_walks_no_further(
    upper: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even where there are only directories."""
    for number in range(50):
        (upper / f"d{number}").mkdir()
    opened: list[str] = []
    scan = os.scandir

    def counted(descriptor: int) -> object:
        opened.append("one")
        return scan(descriptor)

    monkeypatch.setattr(os, "scandir", counted)
    found = divide(str(upper), str(upper.parent / "layers"), ROOMY, lambda: len(opened) >= 3)

    assert found == Divided((str(upper),), UNDIVIDED)
    assert len(opened) == 3


def test_a_build_that_is_cancelled_reads_no_further_record(
    upper: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(20):
        installed.conda(upper / f"env{number}", f"p{number}", "1", {f"lib/p{number}": b"x"})
        (upper / f"bad{number}/conda-meta").mkdir(parents=True)
    read: list[str] = []
    packages = conda.packages

    def counted(root: int, directory: str) -> object:
        read.append(directory)
        return packages(root, directory)

    monkeypatch.setattr(conda, "packages", counted)
    divide(str(upper), str(upper.parent / "layers"), ROOMY, lambda: len(read) >= 3)

    assert len(read) == 3


def test_many_environments_cost_one_pass_over_the_files(upper: Path) -> None:
    """A step may have a hundred thousand files, and as many ``conda-meta``."""
    looked: list[int] = []

    class Counted(dict[str, int]):
        def items(self):  # type: ignore[no-untyped-def]
            looked.append(len(self))
            return super().items()

    environments = tuple(f"e{number}/conda-meta" for number in range(1000))
    files = Files(sizes=Counted({f"{name}/x.json": 3 for name in environments}),
                  symlinks=frozenset(), groups=(), fixed=frozenset())  # fmt: skip

    assert divide_module._sizes_of(environments, files) == dict.fromkeys(environments, 3)
    assert looked == [1000]


def test_so_many_environments_are_looked_at_and_no_more(
    upper: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(divide_module, "_MOST_ENVIRONMENTS", 2)
    for number in range(4):
        installed.conda(upper / f"env{number}", f"p{number}", "1", {f"lib/p{number}": b"x"})
    found = divided(upper)

    assert found.division.notes[1:] == ("p0 1", "p1 1")
    assert {f"env{number}/lib/p{number}" for number in (2, 3)} <= layers(found)[""]


def test_a_record_that_makes_no_sense_spoils_nothing_else(upper: Path) -> None:
    for name, record in (("binary", b"\xff\xfe"), ("field", b"a" * 200_000), ("quote", b'x,,\n"')):
        info = installed.wheel(upper / SITE, name, "1", {f"{name}.py": b""})
        (info / "RECORD").write_bytes(record)
    installed.wheel(upper / SITE, "good", "1", {"good.py": b""})
    installed.conda(upper / "usr", "broken", "1", {"lib/x": b""}).write_bytes(b"{")

    assert set(layers(divided(upper))) == {"", "good 1"}


def test_a_file_is_read_once_whoever_claims_it(
    upper: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hundred distributions that claim a large file under a hundred names cost no more."""
    names = [f"n{number}" for number in range(100)]
    (upper / SITE).mkdir(exist_ok=True)
    (upper / SITE / "n0").write_bytes(b"large")
    for name in names[1:]:
        os.link(upper / SITE / "n0", upper / SITE / name)
    for number in range(20):
        more = "\n".join(installed.row(name, b"other") for name in names)
        installed.wheel(upper / SITE, f"d{number}", "1", {}, more=more)
    read = os.readv
    files: list[int] = []

    def counted(descriptor: int, buffers: list[memoryview]) -> int:
        files.append(os.fstat(descriptor).st_ino)
        return read(descriptor, buffers)

    monkeypatch.setattr(os, "readv", counted)
    divided(upper)

    assert files.count((upper / SITE / "n0").stat().st_ino) == 1
