"""``run`` and its relatives: from a command line to the engine."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dockyard.build.grants import StepOptions
from dockyard.build.outputs import Output
from dockyard.cli import ports_view
from dockyard.cli.creation import publish_all
from dockyard.containers.exec import ExecOptions
from dockyard.containers.model import (
    Console,
    Mount,
    Networking,
    Options,
    Resources,
    Security,
    Ulimit,
)
from dockyard.images.model import Image
from dockyard.networks.model import PortMapping
from dockyard.oci.image import ExecutionConfig, ImageConfig

Call = Callable[..., tuple[int, str, str]]


def asked(engine: Any) -> Options:
    options: Options = engine.containers.calls[-1][3]
    return options


@pytest.mark.parametrize("digits", ["9" * 30, "9" * 400, "9" * 5000])
@pytest.mark.parametrize(
    "flag",
    [
        "--memory={}", "--memory={}g", "--memory-swap={}", "--shm-size={}", "--cpus={}",
        "--cpu-shares={}", "--cpu-period={}", "--pids-limit={}", "--oom-score-adj={}",
        "--blkio-weight={}", "--device-read-bps=/dev/sda:{}", "--device-read-iops=/dev/sda:{}",
        "--ulimit=nofile={}", "--ulimit=nofile=1:{}", "--restart=on-failure:{}", "--expose={}",
        "--publish={}:80", "--publish=80:{}", "--gpus={}", "--network=name=x,gw-priority={}",
        "--stop-timeout={}", "--health-retries={}", "--health-interval={}s", "--tmpfs=/t:size={}",
        "--mount=type=tmpfs,target=/t,tmpfs-size={}", "--network=name=x,ip={}", "--dns={}",
    ],
)  # fmt: skip
def test_no_number_is_too_long_to_be_refused(dockyard: Call, flag: str, digits: str) -> None:
    code, _, err = dockyard("run", flag.format(digits), "app")
    assert code == 125, err
    assert "fault" not in err


def test_options_become_values(dockyard: Call, engine: Any, tmp_path: Path) -> None:
    env_file = tmp_path / "x.env"
    env_file.write_text("A=file\nB=file\n")
    code, out, _ = dockyard(
        "run", "-di", "--rm", "--name", "n", "-e", "A=line", "--env-file", str(env_file),
        "-p", "8000:80", "-m", "1g", "--cpus", "1.5", "--pids-limit", "9", "-v", "/h:/c:ro",
        "--tmpfs", "/t", "--ulimit", "nofile=1:2", "-w", "/w", "-u", "1:2", "--hostname", "h",
        "-l", "k=v", "--entrypoint", "", "--network", "none", "--cap-add", "A", "--cap-drop", "B",
        "--read-only", "--shm-size", "1m", "--init", "--runtime", "runc", "app", "cmd", "-x",
    )  # fmt: skip
    assert (code, out) == (0, "c0" * 32 + "\n")
    assert asked(engine) == Options(
        name="n", command=("cmd", "-x"), entrypoint=(), env=("A=file", "B=file", "A=line"),
        labels={"k": "v"}, hostname="h", user="1:2", working_dir="/w",
        mounts=(
            Mount(kind="bind", source="/h", target="/c", read_only=True, create_source=True),
            Mount(kind="tmpfs", target="/t", options=("nosuid", "nodev", "noexec")),
        ),
        read_only=True, init=True, remove=True, runtime="runc",
        networking=Networking(
            network="none", ports=(PortMapping(container_port=80, host_port=8000),)
        ),
        resources=Resources(
            memory=1 << 30, cpus=1.5, pids_limit=9, shm_size=1 << 20,
            ulimits=(Ulimit("nofile", 1, 2),),
        ),
        security=Security(cap_add=("A",), cap_drop=("B",)),
        console=Console(interactive=True),
    )  # fmt: skip


def test_without_options_docker_defaults_hold(dockyard: Call, engine: Any) -> None:
    dockyard("run", "-d", "app")
    assert asked(engine) == Options()


def test_what_follows_the_image_belongs_to_the_command(dockyard: Call, engine: Any) -> None:
    dockyard("run", "-d", "app", "-e", "--rm=true", "--", "--help")
    assert asked(engine).command == ("-e", "--rm=true", "--", "--help")


@pytest.mark.parametrize(
    ("flags", "remove"),
    [(["--rm=true"], True), (["--rm=1"], True), (["--rm=false"], False), (["--rm"], True)],
)
def test_switches_take_truth_values(
    dockyard: Call, engine: Any, flags: list[str], remove: bool
) -> None:
    dockyard("run", "-d", *flags, "-e", "X=--rm=true", "app")
    assert asked(engine).remove is remove
    assert asked(engine).env == ("X=--rm=true",)


def test_the_exit_code_is_that_of_the_program(dockyard: Call, engine: Any) -> None:
    engine.containers.exit_code = 137
    assert dockyard("run", "app")[0] == 137


def test_standard_input_is_forwarded_only_when_asked_for(dockyard: Call, engine: Any) -> None:
    dockyard("run", "app")
    assert engine.containers.calls[-1][4]._stdin is None
    dockyard("run", "-i", "app")
    assert engine.containers.calls[-1][4]._stdin == 0


def test_a_name_that_resolves_elsewhere_is_told_on_standard_error(
    dockyard: Call, engine: Any
) -> None:
    engine.images.note = "app resolves to localhost/app"
    code, out, err = dockyard("run", "-d", "app")
    assert (code, len(out), err) == (0, 65, "app resolves to localhost/app\n")
    assert dockyard("run", "-dq", "app")[2] == ""


def test_publish_all_takes_the_exposed_ports_that_are_not_published(
    dockyard: Call, engine: Any
) -> None:
    dockyard("run", "-dP", "-p", "9:8000", "app")
    assert asked(engine).networking.ports == (
        PortMapping(container_port=8000, host_port=9),
        PortMapping(container_port=53, protocol="udp"),
    )


def test_what_an_image_calls_a_port_and_is_none_is_not_published(
    capsys: pytest.CaptureFixture[str],
) -> None:
    names = ("99999999/tcp", "9" * 5000, "0", "-5", "\u0663/tcp", "80;x", "70/sctp")
    exposed = ExecutionConfig(exposed_ports={name: {} for name in names})
    config = ImageConfig(architecture="amd64", config=exposed)
    image = Image(
        id="sha256:1", config=config, config_bytes=b"", layers=(), built=0, names=(), size=0
    )
    assert publish_all(Options(), image).networking.ports == ()
    assert ports_view.text(ports_view.listed((), names)) == "70/sctp"
    assert capsys.readouterr().err.count("is not published") == len(names)


def test_ports_without_a_bridge_are_warned_about(dockyard: Call) -> None:
    assert "published ports are discarded" in dockyard(
        "run", "-d", "--network", "host", "-p", "80:80", "app"
    )[2]  # fmt: skip


def test_a_cidfile_is_written_once(dockyard: Call, tmp_path: Path) -> None:
    path = tmp_path / "cid"
    assert dockyard("run", "-d", "--cidfile", str(path), "app")[0] == 0
    assert path.read_text() == "c0" * 32
    code, _, err = dockyard("run", "-d", "--cidfile", str(path), "app")
    assert code == 125
    assert "container ID file found" in err


def test_an_image_that_is_missing_is_pulled(dockyard: Call, engine: Any) -> None:
    code, out, err = dockyard("run", "other:1")
    assert code == 0
    assert engine.pulled == [("docker.io/library/other:1", None)]
    assert err.splitlines()[:2] == [
        "Unable to find image 'other:1' locally", "1: Pulling from library/other",
    ]  # fmt: skip
    assert "Status: Downloaded newer image for other:1" in err
    assert out == ""


def test_pull_always_asks_the_registry_though_the_image_is_here(
    dockyard: Call, engine: Any
) -> None:
    code, _, err = dockyard("run", "--pull", "always", "--platform", "linux/amd64", "app")
    assert code == 0
    assert engine.pulled == [("docker.io/library/app:latest", "linux/amd64")]
    assert "locally" not in err


def test_pull_never_leaves_the_registry_alone(dockyard: Call, engine: Any) -> None:
    code, _, err = dockyard("run", "--pull", "never", "other")
    assert code == 125
    assert "No such image: other" in err
    assert engine.pulled == []


@pytest.mark.parametrize("name", ["localhost/x", "sha256:" + "0" * 64])
def test_what_no_registry_has_is_not_pulled(dockyard: Call, engine: Any, name: str) -> None:
    code, _, err = dockyard("run", name)
    assert code != 0
    assert "No such image" in err
    assert engine.pulled == []


def test_quiet_pulls_in_silence(dockyard: Call) -> None:
    assert dockyard("run", "-q", "other")[2] == ""


def test_a_missing_env_file_is_named(dockyard: Call) -> None:
    code, _, err = dockyard("run", "--env-file", "/nosuch.env", "app")
    assert code == 125
    assert "open /nosuch.env: No such file or directory" in err


def test_exec_hands_everything_after_the_container_on(dockyard: Call, engine: Any) -> None:
    engine.containers.exit_code = 3
    assert dockyard("exec", "-i", "-e", "A=1", "-u", "u", "-w", "/w", "web", "ls", "-l")[0] == 3
    assert engine.containers.calls[-1] == (
        "execute", "web",
        ExecOptions(command=("ls", "-l"), env=("A=1",), user="u", working_dir="/w",
                    interactive=True),
    )  # fmt: skip


def test_stop_goes_on_after_a_failure_and_says_so(dockyard: Call, engine: Any) -> None:
    code, out, err = dockyard("stop", "-t", "3", "web", "nosuch")
    assert (code, out) == (1, "web\n")
    assert "no such container: nosuch" in err
    assert engine.containers.calls == [("stop", "web", 3, None)]


def test_rm_force_takes_a_missing_container_lightly(dockyard: Call) -> None:
    assert dockyard("rm", "nosuch")[0] == 1
    code, out, err = dockyard("rm", "-f", "-v", "nosuch", "web")
    assert (code, out) == (0, "web\n")
    assert "no such container" in err


def test_build_passes_its_options_on(dockyard: Call, engine: Any, tmp_path: Path) -> None:
    path = tmp_path / "iid"
    code, out, _ = dockyard(
        "build", "-q", "-t", "a", "-t", "b:1", "--build-arg", "X=1", "--build-arg", "Y",
        "--label", "l=v", "--target", "s", "--no-cache", "-f", "D", "--iidfile", str(path),
        "--platform", "linux/arm64", "--build-context", "lib=./lib", "-o", "type=tar,dest=x",
        "--no-cache-filter", "a,b", ".",
    )  # fmt: skip
    assert (code, out) == (0, "sha256:" + "a1" * 32 + "\n")
    assert path.read_text() == "sha256:" + "a1" * 32
    assert engine.built == [(".", {
        "tag": ("a", "b:1"), "dockerfile": "D", "build_args": {"X": "1", "Y": None},
        "target": "s", "labels": {"l": "v"}, "no_cache": True,
        "platform": "linux/arm64", "contexts": {"lib": "./lib"},
        "secrets": {}, "ssh": {}, "allow": (), "steps": StepOptions(),
        "outputs": (Output("tar", "x"),), "no_cache_filter": ["a", "b"],
        "cache_to": (), "cache_from": (), "layers": None, "pull": False,
    })]  # fmt: skip


def test_standard_input_is_the_context_or_the_dockerfile(dockyard: Call, engine: Any) -> None:
    assert dockyard("build", "-q", "-")[0] == 0
    assert engine.built[-1][0] is sys.stdin.buffer
    assert dockyard("build", "-q", "-f", "-", "git@example.org:x")[0] == 0
    assert engine.built[-1][0] == "git@example.org:x"
    assert engine.built[-1][1]["dockerfile"] is sys.stdin.buffer
    code, _, err = dockyard("build", "-f", "-", "-")
    assert code == 1
    assert "can't use stdin for both build context and dockerfile" in err


def test_ctrl_c_in_a_build_is_one_message_and_130(
    dockyard: Call, engine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(engine, "build", interrupted)
    code, out, err = dockyard("build", "-q", ".")
    assert (code, out) == (130, "")
    assert "build canceled" in err


def test_build_lends_steps_what_they_ask_for(
    dockyard: Call, engine: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN", "t")
    (tmp_path / "f").write_bytes(b"file")
    code, _, err = dockyard(
        "build", "-q", "--secret", "id=a,env=TOKEN", "--secret", f"id=b,src={tmp_path}/f",
        "--ssh", "default", "--ssh", "k=/one,/two", "--allow", "security.insecure",
        "--network", "host", "--add-host", "a:1.2.3.4", "--shm-size", "1g",
        "--ulimit", "nofile=1:2", ".",
    )  # fmt: skip
    assert code == 0, err
    given = engine.built[0][1]
    assert given["secrets"] == {"a": b"t", "b": b"file"}
    assert given["ssh"] == {"default": (), "k": ("/one", "/two")}
    assert given["allow"] == ("security.insecure",)
    assert given["steps"] == StepOptions(
        network="host", allow=frozenset({"network.host"}), hosts=(("a", "1.2.3.4"),),
        shm_size=1 << 30, ulimits=(Ulimit("nofile", 1, 2),),
    )  # fmt: skip
    for flags, message in (
        (("--allow", "all"), "unknown entitlement all"),
        (("--network", "mine"), 'network mode "mine" not supported'),
        (("--add-host", "a"), "bad format for add-host"),
        (("--ulimit", "x"), "invalid ulimit"),
    ):
        assert message in dockyard("build", *flags, ".")[2]
