"""Files of containers: diff, cp, export and commit, also against a container that fights back."""

from __future__ import annotations

import contextlib
import gzip
import io
import os
import signal
import stat
import subprocess
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support import archives
from tests.support.roots import Root, command_line

from dockyard import Engine
from dockyard.containers.content.commit import CommitOptions
from dockyard.containers.options import Options
from dockyard.errors import DockyardError, HostileInput
from dockyard.handle import RunningContainer
from dockyard.images import growth

QUICK = Options(stop_signal="SIGKILL")
SETUP = (
    "mkdir -p /d/sub /e; echo hi > /d/f; echo s > /d/sub/g; ln -s f /d/l; ln -s /d /ld;"
    " ln /d/f /d/hard; ln -s /etc/nowhere /dangling; rm /bin/vi; rm -r /root; mkdir /root;"
    " touch /ready; sleep 300"
)


@pytest.fixture
def box(engine: Engine) -> Iterator[RunningContainer]:
    """A container with files of its own."""
    with engine.run("busybox", ["sh", "-c", SETUP], name="box", network="none", options=QUICK,
                    volumes={"data": "/vol"}) as box:  # fmt: skip
        wait_for(box, "/ready")
        yield box


def wait_for(box: RunningContainer, path: str) -> None:
    deadline = time.monotonic() + 20
    while box.exec(["test", "-e", path])[0]:
        assert time.monotonic() < deadline


def read(box: RunningContainer, path: str) -> str:
    return box.exec(["cat", path])[1]


def test_diff_names_what_came_changed_and_went(box: RunningContainer) -> None:
    found = {change.path: change.kind for change in box.diff()}

    assert found["/d/sub/g"] == "A"
    assert (found["/bin"], found["/bin/vi"]) == ("C", "D")
    assert found["/ready"] == "A"
    assert not {"/etc", "/etc/hosts", "/etc/resolv.conf", "/proc", "/dev"} & found.keys()


def test_copies_go_where_dockers_go(box: RunningContainer, root: Root, tmp_path: Path) -> None:
    file, tree = tmp_path / "file", tmp_path / "tree"
    file.write_text("content")
    os.chown(file, 1234, 2345)
    file.chmod(0o640)
    (tree / "in").mkdir(parents=True)
    (tree / "in" / "y").write_text("y")
    (tmp_path / "link").symlink_to("file")

    def into(source: str, target: str, *flags: str) -> None:
        root.cli("cp", *flags, f"{tmp_path}/{source}", f"box:{target}", check=True)

    into("file", "/")
    assert box.exec(["stat", "-c", "%u %g %a %s", "/file"])[1] == "1234 2345 640 7\n"
    into("file", "/d/f")
    assert read(box, "/d/f") == "content"
    into("tree", "/new")
    into("tree", "/e")
    into("tree/.", "/e")
    assert (read(box, "/new/in/y"), read(box, "/e/tree/in/y"), read(box, "/e/in/y")) == ("y",) * 3
    into("link", "/kept")
    into("link", "/followed", "-L")
    assert box.exec(["readlink", "/kept"])[1] == "file\n"
    assert read(box, "/followed") == "content"
    into("file", "/dangling")
    assert read(box, "/etc/nowhere") == "content"
    into("file", "/vol/inside")
    assert read(box, "/vol/inside") == "content"


def test_copies_come_out_as_dockers_do(box: RunningContainer, root: Root, tmp_path: Path) -> None:
    def out(source: str, target: str, *flags: str) -> Path:
        root.cli("cp", *flags, f"box:{source}", f"{tmp_path}/{target}", check=True)
        return tmp_path / target

    box.exec(["chown", "77:88", "/d/f"])
    assert out("/d/f", "f").read_text() == "hi\n"
    assert (tmp_path / "f").stat().st_uid == os.geteuid()
    assert (out("/d/f", "kept", "-a").stat().st_uid, (tmp_path / "kept").stat().st_gid) == (77, 88)
    assert (out("/d", "fresh") / "sub" / "g").read_text() == "s\n"
    (tmp_path / "there").mkdir()
    assert (out("/d", "there") / "d" / "sub" / "g").read_text() == "s\n"
    assert os.readlink(out("/ld", "link")) == "/d"
    assert (out("/ld", "followed", "-L") / "f").read_text() == "hi\n"
    assert "Name:" in out("/proc/1/status", "status").read_text()


def test_hard_links_stay_what_they_are(box: RunningContainer, root: Root, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    (tree / "sub").mkdir(parents=True)
    (tree / "first").write_text("shared")
    (tree / "sub" / "second").hardlink_to(tree / "first")
    os.chown(tree / "first", 77, 88)

    root.cli("cp", str(tree), "box:/plain", check=True)
    root.cli("cp", "-a", str(tree), "box:/kept", check=True)
    packed = subprocess.run(command_line(["cp", "box:/plain", "-"]), capture_output=True,
                            check=True, env=root.environment()).stdout  # fmt: skip
    subprocess.run(command_line(["cp", "-", "box:/d"]), input=packed, check=True,
                   env=root.environment())  # fmt: skip
    for place in ("/plain", "/kept", "/d/plain"):
        shown = box.exec(["stat", "-c", "%i %h %u:%g", f"{place}/first", f"{place}/sub/second"])[1]
        first, second = shown.splitlines()
        assert first == second, place
        assert first.endswith(" 2 77:88"), place

    root.cli("cp", "box:/plain", f"{tmp_path}/out", check=True)
    out = tmp_path / "out"
    assert (out / "first").samefile(out / "sub" / "second")
    assert (out / "sub" / "second").read_text() == "shared"
    box.exec(["sh", "-c", "echo other > /plain/sub/new; ln -f /plain/sub/new /plain/first"])
    root.cli("cp", "box:/plain/.", f"{tmp_path}/out", check=True)
    assert (out / "first").read_text() == "other\n"
    assert (out / "sub" / "second").read_text() == "shared"


@pytest.mark.parametrize(
    ("source", "target", "words"),
    [
        ("box:/nothing", "x", "could not find the file /nothing in container box"),
        ("absent:/x", "x", "no such container"),
        ("{}/none", "box:/", "no such file or directory"),
        ("{}/file", "box:/nodir/", "no such directory"),
        ("{}/file", "box:/nodir/x", "could not find the file /nodir"),
        ("{}", "box:/d/f", "cannot copy directory"),
        ("box:/d", "{}/file", "cannot copy directory"),
        ("box:/d/f/", "{}/x", "not a directory"),
        ("box:/d", "box:/e", "between containers"),
        ("a", "b", "at least one container"),
        ("", "box:/d", "source can not be empty"),
        ("box:/d", "", "destination can not be empty"),
        ("box:", "{}", "cannot be empty"),
        ("{}/file", "box:", "cannot be empty"),
    ],
)
def test_copies_that_make_no_sense(
    box: RunningContainer, root: Root, tmp_path: Path, source: str, target: str, words: str
) -> None:
    (tmp_path / "file").write_text("content")
    done = root.cli("cp", source.format(tmp_path), target.format(tmp_path))

    assert done.returncode == 1
    assert words in done.stderr.lower()
    assert box.record.running


def test_tar_streams_go_both_ways(box: RunningContainer, root: Root) -> None:
    packed = subprocess.run(command_line(["cp", "box:/d", "-"]), capture_output=True, check=True,
                            env=root.environment()).stdout  # fmt: skip
    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        assert tar.getnames() == ["d", "d/f", "d/hard", "d/l", "d/sub", "d/sub/g"]
        assert tar.getmember("d/hard").linkname == "d/f"
    done = subprocess.run(command_line(["cp", "-", "box:/e"]), input=packed, capture_output=True,
                          env=root.environment(), check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert read(box, "/e/d/sub/g") == "s\n"


def test_a_hostile_archive_stays_inside(box: RunningContainer, engine: Engine) -> None:
    def archive(*members: tuple[str, str, bytes]) -> io.BytesIO:
        data = io.BytesIO()
        with tarfile.open(fileobj=data, mode="w") as tar:
            for name, link, content in members:
                member = tarfile.TarInfo(name)
                member.size = len(content)
                if link:
                    member.type, member.linkname = tarfile.SYMTYPE, link
                tar.addfile(member, io.BytesIO(content))
        data.seek(0)
        return data

    with pytest.raises(DockyardError, match="leave its archive") as caught:
        engine.containers.unpack("box", archive(("first", "", b"1"), ("../../out", "", b"x")), "/e")
    assert "what comes before it in the archive is in box already" in (caught.value.hint or "")
    assert read(box, "/e/first") == "1"
    engine.containers.unpack("box", archive(("way", "/etc", b""), ("way/owned", "", b"x")), "/e")
    assert read(box, "/etc/owned") == "x"
    assert not os.path.exists("/etc/owned")


def test_an_archive_cannot_exhaust_or_name_what_is_not(
    box: RunningContainer, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unpack(name: str, **fields: object) -> None:
        data, member = io.BytesIO(), tarfile.TarInfo(name)
        for field, value in fields.items():
            setattr(member, field, value)
        with tarfile.open(fileobj=data, mode="w", format=tarfile.GNU_FORMAT) as tar:
            tar.addfile(member)
        data.seek(0)
        engine.containers.unpack("box", data, "/e")

    bomb = io.BytesIO(gzip.compress(archives.tar({"bomb": b"A" * (20 << 20)})))
    monkeypatch.setattr(growth, "BOUNDS", growth.Bounds(free=1 << 20))
    with pytest.raises(HostileInput, match="500 times its size"):
        engine.containers.unpack("box", bomb, "/e")
    assert box.exec(["sh", "-c", "ls /e"])[1] == ""
    unpack("a/" * 1800 + "deep")
    assert box.exec(["sh", "-c", "find /e -name deep | wc -c"])[1] == f"{1800 * 2 + 8}\n"
    with pytest.raises(DockyardError, match="too long"):
        unpack("b/" * 3000 + "deeper")
    for major, minor in ((1 << 40, 0), (0, 1 << 21), (0, 0)):
        with pytest.raises(DockyardError, match="device node"):
            unpack("node", type=tarfile.CHRTYPE, devmajor=major, devminor=minor)


def test_copies_on_the_host_have_no_rights_of_the_container(engine: Engine, tmp_path: Path) -> None:
    """A file of anybody's, setuid, would become root's; a device would be this host's."""
    script = (
        "cp /bin/busybox /suid; mkdir /d; cp /suid /d/s; chown 1000:1000 /suid /d/s;"
        " chmod 6755 /suid /d/s; chmod 2777 /d; touch /ready; sleep 300"
    )
    node, data = tarfile.TarInfo("disk"), io.BytesIO()
    node.type, node.devmajor, node.mode = tarfile.BLKTYPE, 8, 0o666
    with tarfile.open(fileobj=data, mode="w") as tar:
        tar.addfile(node)
    data.seek(0)
    with engine.run("busybox", ["sh", "-c", script], name="one", network="none",
                    options=QUICK) as box:  # fmt: skip
        wait_for(box, "/ready")
        engine.containers.unpack("one", data, "/d")
        engine.containers.copy_from("one", "/suid", str(tmp_path / "suid"))
        with pytest.raises(DockyardError, match="disk is a device node"):
            engine.containers.copy_from("one", "/d", str(tmp_path / "d"))
        engine.containers.copy_from("one", "/suid", str(tmp_path / "kept"), keep_owner=True)
        engine.containers.copy_from("one", "/d/disk", str(tmp_path / "node"), keep_owner=True)
    suid, kept = (tmp_path / "suid").stat(), (tmp_path / "kept").stat()
    assert (stat.S_IMODE(suid.st_mode), suid.st_uid) == (0o755, os.geteuid())
    assert (stat.S_IMODE(kept.st_mode), kept.st_uid) == (0o6755, 1000)
    assert not (tmp_path / "d" / "disk").exists()
    assert stat.S_ISBLK((tmp_path / "node").stat().st_mode)


SWAP = (
    "mkdir -p /a/dir /b; echo inside > /a/dir/secret; ln -s /etc /b/dir; touch /ready;"
    " while :; do mv -T /a/dir /t; mv -T /b/dir /a/dir; mv -T /a/dir /b/dir; mv -T /t /a/dir; done"
)


def test_swapped_symlinks_lead_nowhere_else(engine: Engine, tmp_path: Path) -> None:
    """CVE-2018-15664: while files are copied the container swaps a directory for a symlink."""
    canary = f"dockyard-canary-{os.getpid()}"
    (tmp_path / canary).write_text("from the host")
    secret = Path("/etc") / "hostname"
    with engine.run("busybox", ["sh", "-c", SWAP], name="swap", network="none",
                    options=QUICK) as swap:  # fmt: skip
        wait_for(swap, "/ready")
        written = read_out = 0
        for number in range(150):
            target = tmp_path / f"out{number}"
            with contextlib.suppress(DockyardError):
                engine.containers.copy_to("swap", str(tmp_path / canary), "/a/dir/" + canary)
                written += 1
            with contextlib.suppress(DockyardError):
                engine.containers.copy_from("swap", "/a/dir/hostname", str(target))
                read_out += 1
            assert not os.path.exists(f"/etc/{canary}"), "written outside of the container"
            if target.exists() and secret.exists():
                assert target.read_text() == f"{swap.record.short_id}\n"
        assert read(swap, "/etc/hostname") == f"{swap.record.short_id}\n"
        assert written, "nothing was written in all that time"
        assert read_out, "the link was never there when it was read through"


def test_stopped_containers_are_copied_and_exported_too(
    engine: Engine, root: Root, tmp_path: Path
) -> None:
    root.cli("create", "--name", "box", "-v", "data:/vol", "--network", "none", "busybox",
             "cat", "/vol/file", "/copied", check=True)  # fmt: skip
    (tmp_path / "file").write_text("one ")
    root.cli("cp", f"{tmp_path}/file", "box:/vol/", check=True)
    root.cli("cp", f"{tmp_path}/file", "box:/copied", check=True)
    assert root.cli("start", "-a", "box", check=True).stdout == "one one "
    root.cli("cp", "box:/vol/file", f"{tmp_path}/back", check=True)
    assert (tmp_path / "back").read_text() == "one "
    root.cli("export", "-o", f"{tmp_path}/all.tar", "box", check=True)
    with tarfile.open(tmp_path / "all.tar") as tar:
        names = set(tar.getnames())
        assert {"copied", "bin/busybox", "etc/passwd", "vol"} <= names
        assert "vol/file" not in names
    assert "A /copied\n" in root.cli("diff", "box", check=True).stdout
    root.cli("rm", "box", check=True)
    root.cli("volume", "rm", "data", check=True)


def test_a_commit_is_an_image_of_the_changes(box: RunningContainer, engine: Engine,
                                             root: Root) -> None:  # fmt: skip
    done = root.cli("commit", "-a", "me", "-m", "words", "-c", "ENV A=b", "-c", 'CMD ["sh"]',
                    "-c", "WORKDIR /w", "box", "made:1", check=True)  # fmt: skip
    image = engine.images.find("made:1")

    assert done.stdout == f"{image.id}\n"
    assert (image.config.author, image.config.history[-1].comment) == ("me", "words")
    assert len(image.layers) == len(engine.images.find("busybox").layers) + 1
    ran = root.cli("run", "--rm", "--network", "none", "made:1", "sh", "-c",
                   "cat /d/hard; ls /bin/vi /root /vol; echo $A; pwd", check=False)  # fmt: skip
    assert ran.stdout == "hi\n/root:\n\n/vol:\nb\n/w\n"
    assert box.record.paused is False
    assert read(box, "/d/f") == "hi\n"
    for line, words in (("RUN true", "is not a valid change command"), ("nonsense", "unknown")):
        refused = root.cli("commit", "-c", line, "box")
        assert (refused.returncode, words in refused.stderr) == (1, True)


def test_commits_and_copies_that_are_killed_leave_nothing(
    engine: Engine, root: Root, tmp_path: Path
) -> None:
    big = tmp_path / "big"
    with big.open("wb") as stream:
        stream.truncate(64 << 20)
        stream.seek(0)
        for _ in range(32):
            stream.write(os.urandom(1 << 20))
    with engine.run("busybox", ["sleep", "300"], name="box", network="none", options=QUICK) as box:
        box.copy_to(str(big), "/big")
        for command in (("commit", "box", "half"), ("cp", str(big), "box:/again"),
                        ("cp", "box:/big", f"{tmp_path}/back")):  # fmt: skip
            begun = time.monotonic()
            root.cli(*command, check=True)
            whole = time.monotonic() - begun
            root.cli("rmi", "half")
            box.exec(["rm", "-f", "/again"])
            for share in (0.5, 0.65, 0.8, 0.9):
                process = root.start(*command)
                time.sleep(whole * share)
                process.send_signal(signal.SIGKILL)
                process.wait()
                assert root.cli("exec", "box", "true").returncode == 0, (command, share)
                state = root.cli("inspect", "-f", "{{.State.Status}}", "box", check=True)
                assert state.stdout == "running\n"
            root.cli("rmi", "half")
    names = [image.names for image in engine.images.list()]
    assert ("docker.io/library/half:latest",) not in names
    assert engine.parts.database.query("SELECT id FROM workspaces") == []


def test_a_container_that_is_paused_stays_so_over_a_commit(engine: Engine) -> None:
    with engine.run("busybox", ["sleep", "60"], name="box", network="none", options=QUICK) as box:
        box.pause()
        image = engine.containers.commit("box", CommitOptions())
        assert box.record.paused
        assert image.layers == engine.images.find("busybox").layers
        box.unpause()
