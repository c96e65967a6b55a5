"""Mounts of containers: host directories, volumes, tmpfs, read-only roots."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.roots import Root, foreground
from tests.support.runtimes import usable

from dockyard import Engine, Mount, Resources
from dockyard.errors import InvalidInput
from dockyard.system import mounts


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    (tmp_path / "file").write_text("of the host")
    return tmp_path


def bind(source: Path, **fields: object) -> tuple[Mount, ...]:
    settings: dict[str, object] = {"kind": "bind", "target": "/data", "source": str(source)}
    return (Mount(**(settings | fields)),)  # type: ignore[arg-type]  # fields by name


def test_a_host_directory_is_shared_both_ways(engine: Engine, shared: Path) -> None:
    _, output = foreground(
        engine, "sh", "-c", "cat /data/file; echo in > /data/new", mounts=bind(shared)
    )

    assert output.text == "of the host"
    assert (shared / "new").read_text() == "in\n"


def test_a_read_only_one_cannot_be_written(engine: Engine, shared: Path) -> None:
    container, output = foreground(
        engine, "sh", "-c", "echo x > /data/file", mounts=bind(shared, read_only=True)
    )

    assert container.exit_code != 0
    assert b"Read-only file system" in output.stderr
    assert (shared / "file").read_text() == "of the host"


@pytest.mark.parametrize("runtime", ["crun", "runc"])
def test_files_and_directories_can_be_read_only_at_every_start(
    root: Root, shared: Path, runtime: str
) -> None:
    """A runtime may refuse to make a file read-only with what is mounted below it."""
    if runtime not in usable():
        pytest.skip(f"{runtime} can't be used here")
    script = "cat /x /dir/file; echo y > /x; echo y > /dir/file"
    command = ["--runtime", runtime, "-v", f"{shared}/file:/x:ro", "-v", f"{shared}:/dir:ro",
               "busybox", "sh", "-c", script]  # fmt: skip
    root.cli("create", "--name", "made", *command, check=True)
    for words in (["run", "--rm", *command], ["start", "-a", "made"], ["start", "-a", "made"]):
        done = root.cli(*words)
        assert (done.stdout, done.returncode) == ("of the host" * 2, 1), done.stderr
        assert done.stderr.count("Read-only file system") == 2
    assert (shared / "file").read_text() == "of the host"


def test_a_single_file_can_be_mounted(engine: Engine, shared: Path) -> None:
    _, output = foreground(
        engine, "cat", "/etc/my.conf", mounts=bind(shared / "file", target="/etc/my.conf")
    )

    assert output.text == "of the host"


def test_a_missing_source_is_made_for_v_and_refused_for_mount(
    engine: Engine, tmp_path: Path
) -> None:
    foreground(engine, "true", mounts=bind(tmp_path / "made", create_source=True))
    assert (tmp_path / "made").is_dir()

    with pytest.raises(InvalidInput, match="bind source path does not exist"):
        foreground(engine, "true", mounts=bind(tmp_path / "missing"))
    assert engine.containers.all() == []


def test_a_named_volume_outlives_its_containers(engine: Engine) -> None:
    volume = (Mount(kind="volume", source="kept", target="/v"),)
    foreground(engine, "sh", "-c", "echo one > /v/file", mounts=volume)
    _, output = foreground(engine, "cat", "/v/file", mounts=volume)

    assert output.text == "one\n"


def test_a_new_volume_gets_the_images_content_and_an_old_one_keeps_its_own(engine: Engine) -> None:
    volume = (Mount(kind="volume", source="config", target="/etc"),)
    _, output = foreground(engine, "sh", "-c", "cat /etc/group; rm /etc/group", mounts=volume)
    assert "app:x:1001" in output.text

    container, _ = foreground(engine, "ls", "/etc/group", mounts=volume)
    assert container.exit_code != 0


def test_anonymous_volumes_go_with_the_container(engine: Engine) -> None:
    foreground(engine, "touch", "/v/file", mounts=(Mount(kind="volume", target="/v"),))

    assert engine.database.query("SELECT name FROM volumes") == []
    assert list(Path(engine.paths.volumes).iterdir()) == []


def test_a_tmpfs_has_size_and_mode(engine: Engine) -> None:
    mounts = (Mount(kind="tmpfs", target="/scratch", size=1 << 20, mode=0o700),)
    _, output = foreground(
        engine, "sh", "-c",
        "stat -c %a /scratch; df -k /scratch | tail -1 | awk '{print $2}';"
        "dd if=/dev/zero of=/scratch/big bs=1M count=2 2>&1 | grep -c 'No space'",
        mounts=mounts,
    )  # fmt: skip

    assert output.text.split() == ["700", "1024", "1"]


def test_a_read_only_root_still_has_writable_mounts(engine: Engine) -> None:
    mounts = (Mount(kind="tmpfs", target="/tmp"),)
    _, output = foreground(
        engine, "sh", "-c", "touch /new 2>&1; touch /tmp/new && echo fine; echo > /dev/null",
        mounts=mounts, read_only=True,
    )  # fmt: skip

    assert "Read-only file system" in output.text
    assert output.text.endswith("fine\n")


def test_mounts_below_mounts_are_seen(engine: Engine, shared: Path) -> None:
    mounts = (
        Mount(kind="tmpfs", target="/a/b"),
        *bind(shared, target="/a"),
    )
    (shared / "b").mkdir()
    _, output = foreground(engine, "sh", "-c", "cat /a/file; touch /a/b/x; ls /a/b", mounts=mounts)

    assert output.text == "of the hostx\n"
    assert list((shared / "b").iterdir()) == []


def test_a_link_in_the_image_does_not_lead_a_mount_outside(
    engine: Engine, shared: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A destination that the image made a symlink to ``/..`` stays inside the container."""
    context = tmp_path_factory.mktemp("context")
    (context / "Dockerfile").write_text("FROM busybox\nRUN ln -s ../../../../../../tmp /out\n")
    engine.build(str(context), tag="linked")
    _, output = foreground(
        engine, "ls", "/tmp/x", image="linked", mounts=bind(shared, target="/out/x")
    )

    assert "file" in output.text
    assert not Path("/tmp/x").exists()


@pytest.fixture
def propagating(tmp_path: Path) -> Iterator[Path]:
    """A directory of the host whose mounts propagate; this host's root needn't."""
    place = tmp_path / "propagating"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "none", str(place)], check=True)
    subprocess.run(["mount", "--make-shared", str(place)], check=True)
    yield place
    mounts.unmount_below(str(place))


@pytest.mark.parametrize(
    ("mode", "comes", "goes"),
    [("", False, False), ("rprivate", False, False), ("rslave", True, False),
     ("rshared", True, True)],
)  # fmt: skip
def test_mounts_propagate_into_a_bind_and_out_of_it_as_asked(
    root: Root,
    propagating: Path,
    mode: str,
    comes: bool,
    goes: bool,
) -> None:
    for name in ("before", "later", "inner"):
        (propagating / name).mkdir()
    memory = ["mount", "-t", "tmpfs", "none"]
    subprocess.run([*memory, f"{propagating}/before"], check=True)
    (propagating / "before" / "file").touch()
    root.cli("run", "-d", "--name", "box", "--network", "none", "--privileged", "-v",
             f"{propagating}:/b:{mode}".rstrip(":"), "busybox", "sleep", "600",
             check=True)  # fmt: skip
    subprocess.run([*memory, f"{propagating}/later"], check=True)
    (propagating / "later" / "file").touch()
    inside = "mount -t tmpfs none /b/inner && touch /b/inner/file"
    root.cli("exec", "box", "sh", "-c", inside, check=True)

    seen = root.cli("exec", "box", "find", "/b", "-name", "file", check=True).stdout.split()
    assert "/b/before/file" in seen
    assert ("/b/later/file" in seen) == comes
    assert (propagating / "inner" / "file").exists() == goes
    form = "{{range .Mounts}}{{.Propagation}}{{end}}"
    assert root.cli("inspect", "-f", form, "box").stdout.strip() == (mode or "rprivate")
    root.cli("rm", "-f", "box", check=True)
    assert (propagating / "later" / "file").exists()
    assert (propagating / "inner" / "file").exists() == goes


def test_a_directory_whose_mounts_stay_private_cannot_be_shared(
    root: Root, propagating: Path
) -> None:
    subprocess.run(["mount", "--make-private", str(propagating)], check=True)
    for mode in ("rshared", "rslave"):
        line = ("run", "--rm", "-v", f"{propagating}:/b:{mode}", "busybox", "true")
        done = root.cli(*line)
        assert done.returncode == 125
        assert f"mount --make-shared {propagating}" in done.stderr


def test_shm_has_its_size(engine: Engine) -> None:
    _, output = foreground(
        engine, "sh", "-c", "df -k /dev/shm | tail -1", resources=Resources(shm_size=2 << 20)
    )

    assert output.text.split()[1] == "2048"
