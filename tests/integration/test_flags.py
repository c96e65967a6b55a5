"""Flags of the command line that only a container, or the host, can prove to be heard."""

from __future__ import annotations

import json
import socket
from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.integration.test_ports import ask, own_address
from tests.support.roots import Root
from tests.support.runtimes import usable
from tests.support.waiting import until

from dockyard.networks import kernel
from dockyard.system import cgroups, process
from dockyard.system.watch import DirectoryWatch

CHOWN, NET_RAW = 1 << 0, 1 << 13


def lines(root: Root, *arguments: str, **variables: str) -> list[str]:
    """What a command prints that has to succeed."""
    return root.cli(*arguments, env=variables, check=True).stdout.splitlines()


def quick(*arguments: str) -> list[str]:
    """A ``run`` in the foreground without a network."""
    return ["run", "--rm", "--network", "none", *arguments]


@pytest.fixture
def box(root: Root) -> str:
    """A container that runs."""
    root.cli("run", "-d", "--name", "box", "--network", "none", "busybox", "sleep", "600",
             check=True)  # fmt: skip
    return "box"


def test_variables_come_from_files_and_are_outdone_by_e(
    root: Root, box: str, tmp_path: Path
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.write_text("# words\n\nA=one\nB=two words # all of it\nFROM_HERE\nABSENT\n")
    second.write_text("A=second\nC=\n")
    flags = ["--env-file", str(first), "--env-file", str(second), "-e", "D=flag"]
    script = 'echo "$A|$B|$FROM_HERE|$D|${ABSENT-none}|${C-none}"'
    expected = ["second|two words # all of it|this shell's|flag|none|"]
    shell = ("sh", "-c", script)
    variables = {"FROM_HERE": "this shell's"}
    assert lines(root, *quick(*flags, "busybox", *shell), **variables) == expected
    assert lines(root, "exec", *flags, box, *shell, **variables) == expected

    missing = root.cli(*quick("--env-file", "/no/such", "busybox", "true"))
    assert missing.returncode == 125
    assert "/no/such" in missing.stderr


def test_an_entrypoint_takes_the_place_of_the_images_and_of_its_command(
    root: Root, tmp_path: Path
) -> None:
    (tmp_path / "Dockerfile").write_text(
        'FROM busybox\nENTRYPOINT ["echo", "image"]\nCMD ["of it"]\n'
    )
    root.cli("build", "-q", "-t", "speaks", str(tmp_path), check=True)
    assert lines(root, *quick("speaks")) == ["image of it"]
    assert lines(root, *quick("speaks", "mine")) == ["image mine"]
    assert lines(root, *quick("--entrypoint", "/bin/echo", "speaks")) == [""]
    assert lines(root, *quick("--entrypoint", "/bin/echo", "speaks", "a", "b")) == ["a b"]
    assert lines(root, *quick("--entrypoint", "", "speaks", "echo", "alone")) == ["alone"]


def test_capabilities_are_taken_away(root: Root) -> None:
    def bounding(*flags: str) -> int:
        command = quick(*flags, "busybox", "sed", "-n", "s/CapBnd:.//p", "/proc/self/status")
        return int(lines(root, *command)[0], 16)

    usual = bounding()
    assert usual & CHOWN
    assert bounding("--cap-drop", "CHOWN") == usual & ~CHOWN
    assert bounding("--cap-drop", "ALL") == 0
    assert bounding("--cap-drop", "all", "--cap-add", "cap_net_raw") == NET_RAW


@pytest.mark.parametrize("name", ["crun", "runc"])
def test_a_runtime_is_chosen_and_stays(root: Root, name: str) -> None:
    path = process.find(name)
    if name not in usable():
        pytest.skip(f"{name} can't be used here")
    root.cli("run", "-d", "--name", "box", "--runtime", name, "busybox", "sleep", "600",
             check=True)  # fmt: skip
    with root.engine() as engine:
        assert engine.containers.get("box").runtime == path
    for verb in (["exec", "box", "true"], ["pause", "box"], ["unpause", "box"],
                 ["restart", "-t", "0", "box"]):  # fmt: skip
        root.cli(*verb, check=True)
    assert lines(root, "exec", "box", "cat", "/proc/1/comm") == ["sleep"]
    unknown = root.cli(*quick("--runtime", "nosuch", "busybox", "true"))
    assert unknown.returncode == 125
    assert "nosuch" in unknown.stderr


def test_a_commit_without_pause_freezes_nothing(root: Root, box: str) -> None:
    root.cli("exec", box, "sh", "-c", "echo here > /made", check=True)
    with root.engine() as engine:
        layout = engine.parts.cgroup_layout
        frozen = Path(str(cgroups.directory(layout, engine.containers.get(box).cgroup, "freezer")))
    below = [each.parent for each in frozen.glob("*/cgroup.procs")]  # crun's, in a scope of systemd
    with DirectoryWatch(str((below or [frozen])[0])) as watch:
        root.cli("commit", "--pause=false", box, "unpaused", check=True)
        assert not watch.wait(0)
        root.cli("commit", box, "paused", check=True)
        assert watch.wait(0)
    for image in ("unpaused", "paused"):
        assert lines(root, *quick(image, "cat", "/made")) == ["here"]


def test_a_restart_policy_changes_while_it_runs(root: Root) -> None:
    script = "while [ ! -e /go ]; do sleep 0.05; done; rm /go; exit 1"
    root.cli("run", "-d", "--name", "box", "--network", "none", "busybox", "sh", "-c", script,
             check=True)  # fmt: skip

    def state() -> list[str]:
        form = "{{.HostConfig.RestartPolicy.Name}} {{.RestartCount}} {{.State.Status}}"
        return lines(root, "inspect", "-f", form, "box")

    assert state() == ["no 0 running"]
    root.cli("update", "--restart", "on-failure:3", "box", check=True)
    root.cli("exec", "box", "touch", "/go", check=True)
    until(lambda: state() == ["on-failure 1 running"])
    root.cli("update", "--restart", "no", "box", check=True)
    root.cli("exec", "box", "touch", "/go", check=True)
    until(lambda: state() == ["no 1 exited"])


def test_images_are_found_by_name_and_by_age(root: Root, box: str) -> None:
    for name in ("first:1", "second:1", "second:2"):
        root.cli("commit", "-c", f"ENV NAME={name}", box, name, check=True)

    def found(*filters: str) -> list[str]:
        flags = [word for one in filters for word in ("--filter", one)]
        return sorted(lines(root, "images", "--format", "{{.Repository}}:{{.Tag}}", *flags))

    assert found("reference=second") == ["second:1", "second:2"]
    assert found("reference=*:1") == ["first:1", "second:1"]
    assert found("reference=first:1", "reference=second:2") == ["first:1", "second:2"]
    assert found("since=first:1") == ["second:1", "second:2"]
    assert found("before=second:1", "reference=*:1") == ["first:1"]
    assert found("since=first:1", "before=second:2") == ["second:1"]
    assert root.cli("images", "--filter", "before=nosuch").returncode == 1


def test_sizes_of_containers_are_what_they_wrote_and_their_image(root: Root, box: str) -> None:
    root.cli("exec", box, "sh", "-c", "head -c 2000000 /dev/zero > /two", check=True)
    size = lines(root, "ps", "-s", "--format", "{{.Size}}")[0]
    assert size.startswith("2MB (virtual ")
    table = lines(root, "ps", "-s")
    assert table[0].endswith("SIZE")
    assert table[1].endswith(size)
    document = json.loads(root.cli("inspect", "-s", box, check=True).stdout)[0]
    assert 2_000_000 <= document["SizeRw"] < 2_100_000


@pytest.mark.skipif(not kernel.has_ipv6(), reason="the kernel has no IPv6")
def test_an_address_of_ipv6_is_given_and_answers(root: Root) -> None:
    root.cli("network", "create", "--ipv6", "--subnet", "fd5e:1::/64", "six", check=True)
    network = json.loads(root.cli("network", "inspect", "six", check=True).stdout)[0]
    assert network["EnableIPv6"] is True
    serve = "while :; do echo hello | nc -l -p 80; done"
    root.cli("run", "-d", "--name", "server", "--network", "six", "--ip6", "fd5e:1::42", "busybox",
             "sh", "-c", serve, check=True)  # fmt: skip
    form = "{{.NetworkSettings.Networks.six.GlobalIPv6Address}}"
    assert lines(root, "inspect", "-f", form, "server") == ["fd5e:1::42"]
    asks = "for i in 1 2 3 4 5; do nc -w 2 $0 80 && break; sleep 0.2; done"
    for target in ("fd5e:1::42", "server"):
        client = ["run", "--rm", "--network", "six", "busybox", "sh", "-c", asks, target]
        assert lines(root, *client) == ["hello"]
    assert ask("fd5e:1::42", 80) == b"hello\n"
    taken = root.cli("run", "--rm", "--network", "six", "--ip6", "fd5e:1::42", "busybox", "true")
    assert taken.returncode == 125


def refused(addresses: Sequence[str], port: int) -> None:
    for address in addresses:
        with pytest.raises(OSError, match=r"refused|timed out"):
            socket.create_connection((address, port), timeout=1)


def test_ports_are_published_where_the_configuration_says(root: Root, free_port: int) -> None:
    serve = ("busybox", "sh", "-c", "while :; do echo hello | nc -l -p 80; done")
    publish = ("run", "-d", "--name", "box", "--stop-signal", "KILL", "-p", f"{free_port}:80")
    kept = {"DOCKYARD_PUBLISH_ADDRESS": "127.0.0.1"}
    root.cli(*publish, *serve, env=kept, check=True)
    assert lines(root, "port", "box") == [f"80/tcp -> 127.0.0.1:{free_port}"]
    assert ask("127.0.0.1", free_port) == b"hello\n"
    refused([own_address(), "127.0.0.2"], free_port)
    root.cli("rm", "-f", "box", check=True)

    root.cli(*publish, *serve, check=True)
    for address in ("127.0.0.1", own_address()):
        assert ask(address, free_port) == b"hello\n"


def test_real_time_that_cannot_be_given_is_refused_by_the_flags_name(root: Root) -> None:
    for flags in (["--cpu-rt-runtime", "1000"],
                  ["--cpu-rt-period", "1000", "--cpu-rt-runtime", "2000"]):  # fmt: skip
        done = root.cli("create", "--name", "box", *flags, "busybox", "true")
        assert done.returncode != 0
        assert "--cpu-rt-runtime" in done.stderr
        assert "rt_runtime_us`" not in done.stderr
    assert lines(root, "ps", "-aq") == []
