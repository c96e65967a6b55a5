from __future__ import annotations

import msgspec
import pytest

from dockyard.containers import spec
from dockyard.containers.model import Mount, Options, Resources, Security, Ulimit
from dockyard.containers.spec import HostFacts
from dockyard.errors import InvalidInput, NotSupported, PermissionMissing
from dockyard.oci.image import ExecutionConfig
from dockyard.oci.runtime import Limits, Rlimit, SpecMount

FACTS = HostFacts(
    hostname="host", architecture="amd64", kernel=(6, 1), cpus=4, capability_bounds=(1 << 41) - 1,
    nofile_hard=-1, may_raise_limits=True, controllers=frozenset({"memory", "cpu", "pids"}),
    has_swap=False,
)  # fmt: skip


def test_later_variables_win_and_defaults_are_there() -> None:
    made = spec.environment(("A=image", "B=image"), ("A=user",), hostname="box", home="/home/x")

    assert set(made) == {
        f"PATH={spec.DEFAULT_PATH}", "HOSTNAME=box", "A=user", "B=image", "HOME=/home/x",
    }  # fmt: skip
    assert "HOME=/mine" in spec.environment((), ("HOME=/mine",), hostname="", home="/x")


def test_the_directory_is_the_users_then_the_images_then_the_root() -> None:
    config = ExecutionConfig(working_dir="/image")

    assert spec.working_directory(Options(working_dir="/user"), config) == "/user"
    assert spec.working_directory(Options(), config) == "/image"
    assert spec.working_directory(Options(), ExecutionConfig()) == "/"


@pytest.mark.parametrize(
    "path", ["relative", "./x", "/proc/self/fd/7", "/proc", "/x/../proc/self/cwd", "//proc/1/root"]
)
def test_directories_that_lead_out_are_refused(path: str) -> None:
    with pytest.raises(InvalidInput, match="working directory") as caught:
        spec.working_directory(Options(working_dir=path), ExecutionConfig())
    assert caught.value.exit_code == 125


def test_limits_are_passed_on_and_bound_swap_where_there_is_any() -> None:
    options = Options(resources=Resources(memory=1 << 30, cpus=1.5, pids_limit=10))

    assert spec.limits(options, FACTS) == Limits(memory=1 << 30, cpus=1.5, pids=10)
    swapping = msgspec.structs.replace(FACTS, has_swap=True)
    assert spec.limits(options, swapping).memory_and_swap == 2 << 30
    assert spec.limits(Options(resources=Resources(pids_limit=-1)), FACTS) == Limits()


@pytest.mark.parametrize(
    ("resources", "controller"),
    [
        (Resources(memory=1 << 30), "memory"),
        (Resources(cpus=1), "cpu"),
        (Resources(pids_limit=5), "pids"),
    ],
)
def test_a_limit_that_cannot_be_kept_is_an_error(resources: Resources, controller: str) -> None:
    poor = msgspec.structs.replace(FACTS, controllers=FACTS.controllers - {controller})

    with pytest.raises(NotSupported, match=f"no {controller} controller"):
        spec.limits(Options(resources=resources), poor)


def test_open_files_are_the_hosts_hard_limit() -> None:
    facts = msgspec.structs.replace(FACTS, nofile_hard=5000)

    assert spec.rlimits((), facts) == ((Rlimit("nofile", 5000, 5000),), ())
    assert spec.rlimits((), FACTS)[0][0].hard == 1 << 20


def test_a_limit_that_cannot_be_raised_warns() -> None:
    facts = msgspec.structs.replace(FACTS, nofile_hard=100, may_raise_limits=False)
    limits, warnings = spec.rlimits((Ulimit("nofile", 1000, 2000),), facts)

    assert limits == (Rlimit("nofile", 100, 100),)
    assert "at most 100 open files" in warnings[0]


@pytest.mark.parametrize("limit", [Ulimit("bogus", 1, 1), Ulimit("nproc", 10, 5)])
def test_senseless_limits_are_refused(limit: Ulimit) -> None:
    with pytest.raises(InvalidInput):
        spec.rlimits((limit,), FACTS)


def test_rights_are_the_defaults_and_what_was_asked() -> None:
    default = spec.rights(Options(), FACTS, "")
    assert len(default.capabilities) == 11
    assert default.no_new_privileges
    assert default.seccomp is not None

    free = spec.rights(
        Options(security=Security(
            options=("no-new-privileges:false", "seccomp=unconfined"), cap_drop=("ALL",)
        )),
        FACTS, "",
    )  # fmt: skip
    assert free == spec.Rights((), False, None)


def test_a_capability_that_we_do_not_have_cannot_be_given() -> None:
    poor = msgspec.structs.replace(FACTS, capability_bounds=1)

    assert spec.rights(Options(), poor, "").capabilities == ("CAP_CHOWN",)
    with pytest.raises(PermissionMissing):
        spec.rights(Options(security=Security(cap_add=("SYS_ADMIN",))), poor, "")


@pytest.mark.parametrize("entry", ["", "label=disable", "no-new-privileges=maybe", "seccomp"])
def test_unknown_security_options_are_refused(entry: str) -> None:
    with pytest.raises(InvalidInput, match="invalid --security-opt"):
        spec.rights(Options(security=Security(options=(entry,))), FACTS, "")


def test_something_must_run() -> None:
    assert spec.arguments(("a", "b"), init=False) == ("a", "b")
    assert spec.arguments(("a",), init=True) == (spec.INIT_PATH, "--", "a")
    for nothing in ((), ("",)):
        with pytest.raises(InvalidInput, match="no command specified"):
            spec.arguments(nothing, init=True)


def test_mounts_in_the_runtimes_words() -> None:
    bind = Mount(kind="bind", source="/s", target="/t", read_only=True)
    tmpfs = Mount(kind="tmpfs", target="/t", size=1024, mode=0o700)

    options = ("rbind", "rprivate", "rro")
    assert spec.spec_mount(bind, "/s") == SpecMount("/t", "bind", "/s", options)
    assert spec.spec_mount(tmpfs, "").options == (
        "nosuid", "nodev", "noexec", "size=1024", "mode=700", "rw",
    )  # fmt: skip


def test_volumes_of_the_image_yield_to_the_users_mounts() -> None:
    config = ExecutionConfig(volumes={"/b": {}, "/a/": {}, "/c": {}})
    asked = (Mount(kind="bind", source="/s", target="/a"),)

    assert [mount.target for mount in spec.image_volumes(config, asked)] == ["/b", "/c"]
