"""Docker's notation of option values."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockyard import arguments
from dockyard.containers.model import (
    DeviceMapping,
    DeviceRate,
    Mount,
    Networking,
    Options,
    Resources,
    Ulimit,
)
from dockyard.devices.request import ALL, GpuRequest
from dockyard.errors import InvalidInput, NotSupported
from dockyard.networks.model import Connection, PortMapping


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("512", 512),
        ("64b", 64),
        ("1k", 1024),
        ("1.5g", 3 << 29),
        ("2GiB", 2 << 30),
        ("10Mb", 10 << 20),
        ("1t", 1 << 40),
        ("8 m", 8 << 20),
        ("8388607t", 8388607 << 40),
        ("0", 0),
    ],
)
def test_sizes_are_powers_of_1024(text: str, size: int) -> None:
    assert arguments.parse_size(text) == size


@pytest.mark.parametrize(
    "text",
    ["", "xx", "1x", "-1", "1.2.3", "5i", "k", "1kk", "²", "1e3", "8388608t", "9" * 400],
)
def test_what_is_no_size_is_refused_with_the_text(text: str) -> None:
    with pytest.raises(InvalidInput, match="invalid size") as caught:
        arguments.parse_size(text)
    assert caught.value.exit_code == 125


@given(st.integers(0, 1 << 50))
def test_a_plain_number_is_a_number_of_bytes(size: int) -> None:
    assert arguments.parse_size(str(size)) == size


def test_cpus_of_zero_set_no_limit() -> None:
    assert arguments.parse_cpus("0.5") == 0.5
    assert arguments.parse_cpus("0") is None
    with pytest.raises(InvalidInput):
        arguments.parse_cpus("many")


def test_a_network_in_the_short_form() -> None:
    assert arguments.parse_network("default") == ("bridge", Connection(network="bridge"))
    assert arguments.parse_network("container:web")[0] == "container:web"


def test_a_network_in_the_long_form() -> None:
    text = (
        "name=mine,alias=www,alias=web,ip=10.0.0.9,ip6=fd00::9,mac-address=02-42-AC-11-00-02,"
        "gw-priority=-1,driver-opt=com.docker.network.endpoint.ifname=lan0"
    )
    assert arguments.parse_network(text) == (
        "mine",
        Connection(
            network="mine", aliases=("www", "web"), ip="10.0.0.9", ip6="fd00::9",
            mac="02:42:ac:11:00:02", priority=-1, interface="lan0",
        ),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "network name is empty"),
        ("alias=www", "network name is missing"),
        ("name=mine,colour=red", "invalid network option: colour"),
        ("name=mine,ip=fd00::1", "invalid IPv4 address"),
        ("name=mine,ip6=10.0.0.1", "invalid IPv6 address"),
        ("name=mine,alias=a b", "invalid network alias"),
        ("name=mine,mac-address=01:00:00:00:00:00", "of a group"),
        ("name=mine,mac-address=02:00", "not a valid mac address"),
        ("name=mine,gw-priority=high", "invalid gw-priority"),
        ("name=mine,driver-opt=com.docker.network.endpoint.ifname=eth/0", "invalid interface"),
    ],
)
def test_a_broken_network_says_why(text: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message) as info:
        arguments.parse_network(text)
    assert info.value.exit_code == 125


@pytest.mark.parametrize(
    "text", ["name=mine,link-local-ip=169.254.1.1", "name=mine,driver-opt=endpoint.sysctls=a"]
)
def test_what_a_network_can_not_be_asked_for(text: str) -> None:
    with pytest.raises(NotSupported):
        arguments.parse_network(text)


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("nofile=1024:2048", Ulimit("nofile", 1024, 2048)),
        ("nofile=1024", Ulimit("nofile", 1024, 1024)),
        ("memlock=-1:-1", Ulimit("memlock", -1, -1)),
    ],
)
def test_ulimits(text: str, limit: Ulimit) -> None:
    assert arguments.parse_ulimit(text) == limit


@pytest.mark.parametrize("text", ["nofile", "nofile=", "=1", "nofile=a:b", "nofile=1:", "x=1:2:3"])
def test_broken_ulimits_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="invalid ulimit argument"):
        arguments.parse_ulimit(text)


def test_a_variable_without_value_comes_from_the_environment_or_not_at_all() -> None:
    found = arguments.parse_environment(["A=1", "B", "C", "D="], {"B": "from host"})
    assert found == ("A=1", "B=from host", "D=")


def test_a_variable_needs_a_name() -> None:
    with pytest.raises(InvalidInput, match="invalid environment variable: =x"):
        arguments.parse_environment(["=x"], {})


def test_an_env_file_has_comments_and_keeps_quotes_and_trailing_spaces() -> None:
    text = '\ufeff# comment\n\n  A=1\nB="two" \nHOST\nABSENT\n'
    found = arguments.parse_env_file(text, "x.env", {"HOST": "h"})
    assert found == ("A=1", 'B="two" ', "HOST=h")


@pytest.mark.parametrize(
    ("line", "message"), [("A B=1", "contains whitespaces"), ("=1", "no variable name")]
)
def test_broken_lines_of_an_env_file_name_the_file(line: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message) as caught:
        arguments.parse_env_file(line, "x.env", {})
    assert caught.value.context == "x.env"


@pytest.mark.parametrize(
    ("text", "mount"),
    [
        ("/data", Mount(kind="volume", target="/data")),
        ("cache:/c", Mount(kind="volume", source="cache", target="/c")),
        (
            "/a/../b:/c/:ro",
            Mount(kind="bind", source="/b", target="/c", read_only=True, create_source=True),
        ),
        ("./x:/c:ro,z", Mount(kind="bind", source="/w/x", target="/c", read_only=True,
                              create_source=True, relabel=True)),
        ("x:/c:nocopy,ro,Z,cached", Mount(kind="volume", source="x", target="/c", read_only=True,
                                          no_copy=True, relabel=True)),
        (".:/c", Mount(kind="bind", source="/w", target="/c", create_source=True)),
        ("/a:/c:rshared", Mount(kind="bind", source="/a", target="/c",
                                options=("rbind", "rshared"), create_source=True)),
    ],
)  # fmt: skip
def test_volumes(text: str, mount: Mount) -> None:
    assert arguments.parse_volume(text, "/w") == mount


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":/x",
        "/a:",
        "/a:b",
        "/a:/",
        "/a:/b:wat",
        "/a:/b:ro:x",
        "x:./b",
        "x:/b:ro,rw",
        "x:/b:ro,ro",
        "x:/b:ro,",
        "x:/b:,",
        "x:/b:nocopy,nocopy",
        "/a:/b:z,Z",
        "/a:/b:RO",
        "/a:/b:rprivate,rslave",
        "/a:/b:cached,delegated",
        "/a:/b:nocopy",
    ],
)
def test_broken_volumes_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        arguments.parse_volume(text, "/w")
    assert caught.value.exit_code == 125


def test_a_tmpfs_is_locked_down_unless_told_otherwise() -> None:
    plain = arguments.parse_tmpfs("/run")
    assert plain.options == ("nosuid", "nodev", "noexec")
    mount = arguments.parse_tmpfs("/run:size=64m,mode=0700,exec,uid=5,ro")
    assert (mount.size, mount.mode, mount.read_only) == (64 << 20, 0o700, True)
    assert mount.options == ("nosuid", "nodev", "exec", "uid=5")


@pytest.mark.parametrize("text", ["run", "/run:size=x", "/run:mode=9", "/run:wat", "/run:uid"])
def test_broken_tmpfs_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        arguments.parse_tmpfs(text)


@pytest.mark.parametrize(
    ("text", "mount"),
    [
        ("type=bind,source=/a,target=/b,readonly",
         Mount(kind="bind", source="/a", target="/b", read_only=True)),
        ("type=bind,src=./a,dst=/b,ro=false", Mount(kind="bind", source="/w/a", target="/b")),
        ("src=v,destination=/b", Mount(kind="volume", source="v", target="/b")),
        ("target=/b", Mount(kind="volume", target="/b")),
        ("type=tmpfs,target=/b,tmpfs-size=1m,tmpfs-mode=1770",
         Mount(kind="tmpfs", target="/b", size=1 << 20, mode=0o1770)),
        ('type=bind,"source=/a,b",target=/b', Mount(kind="bind", source="/a,b", target="/b")),
        ("type=bind,source=/a,target=/b,bind-propagation=rslave",
         Mount(kind="bind", source="/a", target="/b", options=("rbind", "rslave"))),
    ],
)  # fmt: skip
def test_mounts(text: str, mount: Mount) -> None:
    assert arguments.parse_mount(text, "/w") == mount


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("type=bind,target=/b", "source is required"),
        ("type=bind,source=/a", "target is required"),
        ("type=npipe,target=/b", "mount type npipe"),
        ("type=bind,source=/a,target=/b,wat=1", "unexpected key 'wat'"),
        ("type=tmpfs,source=/a,target=/b", "unexpected key 'source'"),
        ("type=bind,wat,target=/b", "key=value"),
        ("type=bind,source=/a,target=/b,readonly=maybe", "invalid value for readonly"),
        ("type=bind,source=/a,target=b", "must be absolute"),
    ],
)
def test_broken_mounts_say_why(text: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        arguments.parse_mount(text, "/w")


def test_two_mounts_on_one_target_are_refused() -> None:
    mount = Mount(kind="volume", target="/x")
    with pytest.raises(InvalidInput, match="duplicate mount point: /x"):
        arguments.check_mounts([mount, mount])


def merged(options: Options | None = None, **given: Any) -> Options:
    nothing: dict[str, Any] = {
        "name": None, "command": None, "ports": None, "env": None, "volumes": None,
        "memory": None, "cpus": None, "gpus": None, "network": "bridge", "remove": True,
        "publish_address": "0.0.0.0",
    }  # fmt: skip
    return arguments.merge(options or Options(), **(nothing | given))


def test_a_program_publishes_ports_by_numbers() -> None:
    ports = {8000: 0, 9000: 9001, "53/udp": "127.0.0.1:5353", 7: None, 6: "127.0.0.2:0"}
    assert merged(ports=ports).networking.ports == (
        PortMapping(container_port=8000, host_ip="0.0.0.0"),
        PortMapping(container_port=9000, host_port=9001, host_ip="0.0.0.0"),
        PortMapping(container_port=53, host_port=5353, host_ip="127.0.0.1", protocol="udp"),
        PortMapping(container_port=7, host_ip="0.0.0.0"),
        PortMapping(container_port=6, host_ip="127.0.0.2"),
    )


def test_arguments_of_a_program_come_on_top_of_its_options() -> None:
    options = Options(
        env=("A=1",), user="u", name="old",
        networking=Networking(network="none"), resources=Resources(memory=5),
    )  # fmt: skip
    result = merged(options, env={"B": "2"}, command=["x", "y"], memory="1k", name="new", cpus=2.0)
    assert result.env == ("A=1", "B=2")
    assert result.command == ("x", "y")
    assert (result.name, result.user, result.remove) == ("new", "u", True)
    assert result.resources == Resources(memory=1024, cpus=2.0)
    assert result.networking.network == "none"


def test_a_program_may_name_relative_directories_and_volumes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    first, second = merged(volumes={"data/in": "/in:ro", "cache": "/c"}).mounts
    assert (first.kind, first.source, first.read_only) == ("bind", f"{tmp_path}/data/in", True)
    assert (second.kind, second.source) == ("volume", "cache")


@pytest.mark.parametrize(
    ("text", "request_"),
    [
        ("all", GpuRequest(count=ALL)),
        ("2", GpuRequest(count=2)),
        ('"device=0,GPU-1"', GpuRequest(ids=("0", "GPU-1"))),
        ("device=0,1", GpuRequest(ids=("0", "1"))),
        ("count=2,capabilities=gpu,driver=nvidia",
         GpuRequest(count=2, capabilities=("gpu",), driver="nvidia")),
        ('all,"capabilities=compute,utility"',
         GpuRequest(count=ALL, capabilities=("compute", "utility"))),
        ("driver=amd", GpuRequest(count=1, driver="amd")),
    ],
)  # fmt: skip
def test_gpus_by_number_or_name(text: str, request_: GpuRequest) -> None:
    assert arguments.parse_gpus(text) == request_


@pytest.mark.parametrize(
    "text", ["bogus=1", "0", "many", "options=a=b", "all,2", "count=1,device=0", "device=",
             "all,capabilities=teleport"],
)  # fmt: skip
def test_other_requests_for_gpus_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        arguments.parse_gpus(text)


@pytest.mark.parametrize(
    ("text", "mapping"),
    [
        ("/dev/fuse", DeviceMapping("/dev/fuse", "/dev/fuse")),
        ("/dev/fuse:r", DeviceMapping("/dev/fuse", "/dev/fuse", "r")),
        ("/dev/zero:/dev/x", DeviceMapping("/dev/zero", "/dev/x")),
        ("/dev/zero:/dev/x:rw", DeviceMapping("/dev/zero", "/dev/x", "rw")),
        ("nvidia.com/gpu=0:1", "nvidia.com/gpu=0:1"),
    ],
)
def test_devices_by_path_or_name(text: str, mapping: object) -> None:
    assert arguments.parse_device(text) == mapping


@pytest.mark.parametrize("text", ["", "dev", "/dev/a:/dev/b:z", "/dev/a:b", "/a:/b:r:w"])
def test_other_devices_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        arguments.parse_device(text)


def test_rates_of_block_devices() -> None:
    assert arguments.parse_rate("/dev/sda:1mb") == DeviceRate("/dev/sda", 1 << 20)
    assert arguments.parse_count_rate("/dev/sda:5") == DeviceRate("/dev/sda", 5)
    for text in ("bogus", "/dev/sda:", "sda:1mb"):
        with pytest.raises(InvalidInput, match="bad format"):
            arguments.parse_rate(text)
    with pytest.raises(InvalidInput, match="invalid rate"):
        arguments.parse_count_rate("/dev/sda:1mb")


def test_hosts_and_ports_on_the_command_line() -> None:
    assert arguments.parse_extra_host("db:10.0.0.1") == "db:10.0.0.1"
    assert arguments.parse_extra_host("db=[::1]") == "db:::1"
    assert arguments.parse_extra_host("me:host-gateway") == "me:host-gateway"
    assert arguments.parse_expose("80") == ("80/tcp",)
    assert arguments.parse_expose("80-82/udp") == ("80/udp", "81/udp", "82/udp")
    for text in ("db", "db:", ":1.2.3.4", "db:1.2.3"):
        with pytest.raises(InvalidInput, match="add-host"):
            arguments.parse_extra_host(text)
    for text in ("x", "0", "9-5", "80/foo", "70000"):
        with pytest.raises(InvalidInput, match="invalid range format"):
            arguments.parse_expose(text)


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("type=bind,src=/s,dst=/t,ro,bind-recursive=writable", {"below": "writable"}),
        ("type=bind,src=/s,dst=/t,ro,bind-propagation=rprivate,bind-recursive=readonly",
         {"below": "read-only"}),
        ("type=bind,src=/s,dst=/t,bind-recursive=disabled", {"options": ("bind", "rprivate")}),
        ("src=v,dst=/t,volume-nocopy,volume-subpath=a/b", {"no_copy": True, "subpath": "a/b"}),
        ("src=v,dst=/t,volume-label=a=b,volume-label=c,volume-driver=local,volume-opt=o=x",
         {"volume_labels": {"a": "b", "c": ""}, "volume_options": {"o": "x"}}),
        ("type=tmpfs,dst=/t,tmpfs-size=1m,tmpfs-mode=700,consistency=cached",
         {"size": 1 << 20, "mode": 0o700}),
    ],
)  # fmt: skip
def test_mounts_have_dockers_options(text: str, fields: dict[str, Any]) -> None:
    mount = arguments.parse_mount(text, "/")
    assert {name: getattr(mount, name) for name in fields} == fields


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("type=bind,src=/s,dst=/t,bind-recursive=readonly", "requires 'readonly'"),
        ("type=bind,src=/s,dst=/t,ro,bind-recursive=readonly", "bind-propagation=rprivate"),
        ("type=bind,src=/s,dst=/t,bind-recursive=x", "invalid value for bind-recursive"),
        ("src=v,dst=/t,volume-subpath=../x", "must stay in the volume"),
        ("src=v,dst=/t,volume-subpath=/x", "must stay in the volume"),
        ("src=v,dst=/t,consistency=x", "invalid consistency"),
    ],
)
def test_mounts_that_make_no_sense_are_refused(text: str, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        arguments.parse_mount(text, "/")


def test_an_unknown_volume_driver_is_refused() -> None:
    with pytest.raises(NotSupported, match="volume driver nfs"):
        arguments.parse_mount("src=v,dst=/t,volume-driver=nfs", "/")


def test_volumes_need_not_take_the_images_content() -> None:
    assert arguments.parse_volume("v:/t:nocopy", "/").no_copy
    with pytest.raises(InvalidInput, match="invalid volume specification"):
        arguments.parse_volume("/s:/t:nocopy", "/")
