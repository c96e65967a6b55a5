"""Containers of ``compose run``."""

from __future__ import annotations

import msgspec

from dockyard.compose import labels, oneoff
from dockyard.compose.model.parts import Deploy, Port, RestartPolicy
from dockyard.compose.model.project import Project, Volume
from dockyard.compose.model.service import Service
from dockyard.compose.oneoff import RunOptions
from dockyard.containers.options import Mount, Networking, Options
from dockyard.networks.model import Connection, PortMapping

SERVICE = Service(
    name="web", image="x", command=("serve",), entrypoint=("/start",), user="app", restart="always",
    environment={"A": "1", "B": "2"}, ports=(Port(target=80, published="8080"),), scale=3,
    cap_add=("NET_ADMIN", "SYS_TIME"), cap_drop=("CHOWN",), container_name="mine",
    deploy=Deploy(replicas=2, restart_policy=RestartPolicy(condition="any")),
)  # fmt: skip
SLUG = "ab" * 32
MADE = Options(
    name="demo-web-1", labels={labels.SERVICE: "web", labels.NUMBER: "1", labels.ONEOFF: "False"},
    mounts=(Mount(kind="volume", source="demo_data", target="/data"),
            Mount(kind="bind", source="/src", target="/src")),
    networking=Networking(connections=(Connection(network="demo_default", aliases=("web",)),)),
)  # fmt: skip
PROJECT = Project(name="demo", services={"web": SERVICE}, volumes={"cache": Volume()},
                  environment={"FROM": "outside"})  # fmt: skip


def test_a_command_runs_once_and_nothing_is_published() -> None:
    found = oneoff.service(SERVICE, RunOptions(command=("ls",)))
    assert (found.command, found.entrypoint, found.ports) == (("ls",), ("/start",), ())
    assert (found.restart, found.scale, found.container_name) == ("", 1, "")
    assert found.deploy is not None
    assert (found.deploy.restart_policy, found.deploy.replicas) == (None, None)
    assert oneoff.service(SERVICE, RunOptions(service_ports=True)).ports == SERVICE.ports


def test_what_is_asked_for_comes_on_top() -> None:
    found = oneoff.service(SERVICE, RunOptions(
        env={"B": "3", "C": "4"}, user="root", working_dir="/w", cap_add=("CHOWN",),
        cap_drop=("SYS_TIME",), labels={"k": "v"}, tty=True, interactive=True,
    ))  # fmt: skip
    assert (found.user, found.working_dir, found.command) == ("root", "/w", ("serve",))
    assert found.environment == {"A": "1", "B": "3", "C": "4"}
    assert (found.cap_add, found.cap_drop) == (("NET_ADMIN", "CHOWN"), ("SYS_TIME",))
    assert (found.labels, found.tty, found.stdin_open) == ({"k": "v"}, True, True)


def test_another_entrypoint_takes_the_command_away() -> None:
    assert oneoff.service(SERVICE, RunOptions(entrypoint=("sh",))).command == ()
    both = oneoff.service(SERVICE, RunOptions(entrypoint=("sh",), command=("-c", "x")))
    assert both.command == ("-c", "x")


def test_its_name_and_labels_are_dockers() -> None:
    found = oneoff.options(PROJECT, MADE, RunOptions(remove=True), SLUG)
    assert found.name == "demo-web-run-abababababab"
    assert found.labels == {labels.SERVICE: "web", labels.ONEOFF: "True", labels.SLUG: SLUG}
    assert found.remove
    assert oneoff.options(PROJECT, MADE, RunOptions(name="own"), SLUG).name == "own"
    older = msgspec.structs.replace(PROJECT, separator="_")
    assert oneoff.options(older, MADE, RunOptions(), SLUG).name == found.name.replace("-", "_")


def test_others_find_it_by_the_services_names_only_where_asked() -> None:
    def aliases(asked: RunOptions) -> tuple[str, ...]:
        connections = oneoff.options(PROJECT, MADE, asked, SLUG).networking.connections
        assert connections is not None
        return connections[0].aliases

    assert aliases(RunOptions()) == ()
    assert aliases(RunOptions(use_aliases=True)) == ("web",)


def test_mounts_take_the_place_of_the_services_and_ports_are_added() -> None:
    asked = RunOptions(
        mounts=(Mount(kind="volume", source="cache", target="/data"),
                Mount(kind="volume", source="else", target="/else")),
        ports=(PortMapping(container_port=80),),
    )  # fmt: skip
    found = oneoff.options(PROJECT, MADE, asked, SLUG)
    assert [(each.source, each.target) for each in found.mounts] == [
        ("/src", "/src"), ("demo_cache", "/data"), ("else", "/else"),
    ]  # fmt: skip
    assert found.networking.ports == asked.ports


def test_variables_come_from_flags_files_and_the_project() -> None:
    found = oneoff.environment(
        PROJECT, {"FROM": None, "LOST": None, "A": "flag"}, [{"A": "file", "B": "file"}]
    )
    assert found == {"FROM": "outside", "A": "flag", "B": "file"}
