from __future__ import annotations

import pytest

from dockyard.containers.model import Namespaces, Networking, Options
from dockyard.containers.spec_namespaces import (
    check,
    check_sysctl_name,
    donor_mode,
    donors,
    places,
    sysctls,
)
from dockyard.errors import InvalidInput


def test_every_container_has_namespaces_of_its_own_unless_told_otherwise() -> None:
    assert places(Namespaces(), {}) == {}
    assert places(Namespaces(ipc="private", cgroup="private"), {}) == {}
    shared = Namespaces(pid="host", ipc="host", uts="host", cgroup="host", user="host")
    check(Options(namespaces=shared))
    assert places(shared, {}) == {"pid": "host", "ipc": "host", "uts": "host", "cgroup": "host"}


def test_namespaces_of_containers_are_joined_by_their_first_process() -> None:
    joining = Namespaces(pid=donor_mode("a1"), ipc="container:web")
    check(Options(namespaces=joining))
    assert donors(joining) == {"pid": "a1", "ipc": "web"}
    paths = {"pid": "/proc/7/fd/3", "ipc": "/proc/7/fd/4"}
    assert places(joining, paths) == paths


@pytest.mark.parametrize(
    "options",
    [
        Options(namespaces=Namespaces(pid="private")),
        Options(namespaces=Namespaces(pid="container:")),
        Options(namespaces=Namespaces(ipc="bogus")),
        Options(namespaces=Namespaces(uts="container:x")),
        Options(namespaces=Namespaces(user="auto")),
        Options(namespaces=Namespaces(cgroup="shareable")),
    ],
)
def test_modes_that_do_not_exist_are_refused(options: Options) -> None:
    with pytest.raises(InvalidInput, match=r"invalid \w+ mode"):
        check(options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (Options(hostname="x", namespaces=Namespaces(uts="host")), "hostname and the UTS mode"),
        (Options(domainname="x", namespaces=Namespaces(uts="host")), "domainname and the UTS mode"),
        (Options(init=True, namespaces=Namespaces(pid="host")), "--init and the PID mode"),
        (
            Options(
                networking=Networking(network="host"),
                namespaces=Namespaces(sysctls={"net.core.somaxconn": "5"}),
            ),
            "not allowed in host network namespace",
        ),
        (
            Options(namespaces=Namespaces(ipc="host", sysctls={"kernel.shmmax": "5"})),
            "not allowed in the hosts ipc namespace",
        ),
        (Options(namespaces=Namespaces(sysctls={"vm.swappiness": "5"})), "is not allowed"),
    ],
)
def test_options_that_exclude_each_other_are_refused(options: Options, message: str) -> None:
    with pytest.raises(InvalidInput, match=message) as caught:
        check(options)
    assert caught.value.exit_code == 125


@pytest.mark.parametrize("name", ["kernel.hostname", "kernel.domainname", "fs.file-max", "vm.x"])
def test_settings_of_the_whole_host_are_nobodys(name: str) -> None:
    with pytest.raises(InvalidInput, match="is not allowed"):
        check_sysctl_name(name)


def test_the_domain_is_a_setting_of_the_kernel() -> None:
    options = Options(domainname="d.org", namespaces=Namespaces(sysctls={"fs.mqueue.msg_max": "9"}))
    assert sysctls(options) == {"kernel.domainname": "d.org", "fs.mqueue.msg_max": "9"}
    assert sysctls(Options()) == {}
