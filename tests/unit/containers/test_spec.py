from __future__ import annotations

import msgspec
import pytest
from tests.support.facts import FACTS

from dockyard.containers import spec
from dockyard.containers.model import Mount, Namespaces, Networking, NetworkMode, Options, Ulimit
from dockyard.errors import InvalidInput, NotSupported
from dockyard.oci.image import ExecutionConfig
from dockyard.oci.runtime import Rlimit, SpecMount


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


def test_open_files_are_the_hosts_hard_limit() -> None:
    facts = msgspec.structs.replace(FACTS, nofile_hard=5000)

    assert spec.rlimits((), facts) == ((Rlimit("nofile", 5000, 5000),), ())
    assert spec.rlimits((), FACTS)[0][0].hard == 1 << 20


def test_a_limit_that_cannot_be_raised_warns() -> None:
    facts = msgspec.structs.replace(FACTS, nofile_hard=100, may_raise_limits=False)
    limits, warnings = spec.rlimits((Ulimit("nofile", 1000, 2000),), facts)

    assert limits == (Rlimit("nofile", 100, 100),)
    assert "at most 100 open files" in warnings[0]


def test_the_engines_own_standing_with_the_oom_killer_is_not_passed_on() -> None:
    bound = msgspec.structs.replace(FACTS, may_raise_limits=False)

    assert spec.oom_score(None, FACTS) == 0
    assert spec.oom_score(None, bound) is None
    assert spec.oom_score(-300, FACTS) == spec.oom_score(-300, bound) == -300


def test_systemd_ends_a_scope_as_stop_would() -> None:
    kill, limit = "org.systemd.property.KillSignal", "org.systemd.property.TimeoutStopUSec"

    assert spec.scope_properties(3, 10) == {kill: "3", limit: "uint64 10000000"}
    assert spec.scope_properties(15, None) == {kill: "15"}


@pytest.mark.parametrize("limit", [Ulimit("bogus", 1, 1), Ulimit("nproc", 10, 5)])
def test_senseless_limits_are_refused(limit: Ulimit) -> None:
    with pytest.raises(InvalidInput):
        spec.rlimits((limit,), FACTS)


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
    assert spec.spec_mount(bind, "/s", (6, 1)) == SpecMount("/t", "bind", "/s", options)
    assert spec.spec_mount(tmpfs, "", (6, 1)).options == (
        "nosuid", "nodev", "noexec", "size=1024", "mode=700", "rw",
    )  # fmt: skip


def test_volumes_of_the_image_yield_to_the_users_mounts() -> None:
    config = ExecutionConfig(volumes={"/b": {}, "/a/": {}, "/c": {}})
    asked = (Mount(kind="bind", source="/s", target="/a"),)

    assert [mount.target for mount in spec.image_volumes(config, asked)] == ["/b", "/c"]


def test_what_is_mounted_below_is_read_only_where_the_kernel_can_and_one_does_not_object() -> None:
    bind = Mount(kind="bind", source="/s", target="/t", read_only=True)
    writable = msgspec.structs.replace(bind, below="writable")
    strict = msgspec.structs.replace(bind, below="read-only")

    assert spec.spec_mount(bind, "/s", (5, 11)).options[-1] == "ro"
    assert spec.spec_mount(writable, "/s", (6, 1)).options[-1] == "ro"
    assert spec.spec_mount(strict, "/s", (6, 1)).options[-1] == "rro"
    assert spec.spec_mount(bind, "/s", (6, 1), directory=False).options[-1] == "ro"
    assert spec.spec_mount(strict, "/s", (6, 1), directory=False).options[-1] == "ro"
    with pytest.raises(NotSupported, match=r"Linux 5\.12, this is 5\.11"):
        spec.spec_mount(strict, "/s", (5, 11))


def test_the_hosts_name_is_shared_with_its_network_or_uts_namespace() -> None:
    assert spec.hostname(Options(), FACTS, "c0ffee") == "c0ffee"
    assert spec.hostname(Options(hostname="x"), FACTS, "c0ffee") == "x"
    assert spec.hostname(Options(namespaces=Namespaces(uts="host")), FACTS, "c0ffee") == "host"


def test_hosts_are_added_and_the_gateway_stands_for_this_host() -> None:
    def lines(*entries: str, network: NetworkMode = "bridge", gateway: str = "10.0.0.1") -> str:
        networking = Networking(network=network, extra_hosts=entries)
        return spec.extra_hosts(Options(networking=networking), gateway)

    assert lines("a:1.2.3.4", "b:::1") == "1.2.3.4\ta\n::1\tb\n"
    assert lines("me:host-gateway") == "10.0.0.1\tme\n"
    assert lines("me:host-gateway", network="host", gateway="") == "127.0.0.1\tme\n"
    with pytest.raises(InvalidInput, match="has no network"):
        lines("me:host-gateway", network="none", gateway="")


def test_the_domain_belongs_to_the_full_name() -> None:
    assert spec.full_name(Options(domainname="example.org"), "box") == "box.example.org box"
    assert spec.full_name(Options(), "box") == "box"
