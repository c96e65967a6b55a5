"""What follows from the rest of a project: implied parts, contradictions, what is active."""

from __future__ import annotations

from typing import Any

import pytest

from dockyard.compose.load import listing
from dockyard.compose.load.consistency import consistent, require_different_names
from dockyard.compose.load.decode import decoded
from dockyard.compose.load.environment import Outside, with_environments, with_labels
from dockyard.compose.load.normalize import normalize
from dockyard.compose.load.paths import Base, resolved
from dockyard.compose.load.place import Places
from dockyard.compose.load.profiles import Selection, needed, only, select, with_named
from dockyard.compose.load.validate import validate
from dockyard.compose.model.project import from_tree
from dockyard.errors import InvalidInput, NotFound

PLACES = Places()


def project(profiles: tuple[str, ...] = (), **elements: dict[str, Any]) -> Selection:
    services = {
        name: {"image": "x", **service} for name, service in elements.pop("services").items()
    }
    tree = {"name": "shop", "services": services, **elements}
    return select(decoded(normalize(tree, {"FOO": "bar"}), PLACES), profiles)


def wrong(selection: Selection) -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        consistent(selection, PLACES)
    return caught.value


def test_names_and_the_default_network_are_made_explicit() -> None:
    tree = project(services={"web": {}}, volumes={"data": None, "own": {"name": "mine"}}).tree

    assert tree["services"]["web"]["networks"] == {"default": None}
    assert tree["networks"]["default"]["name"] == "shop_default"
    assert [volume["name"] for volume in tree["volumes"].values()] == ["shop_data", "mine"]


def test_what_shares_with_another_service_depends_on_it() -> None:
    shared = {"ipc": "service:db", "links": ["cache:c"], "volumes_from": ["files:ro"]}
    selection = project(services={"web": shared, "db": {}, "cache": {}, "files": {}})

    assert selection.services["web"]["depends_on"] == {
        "cache": {"condition": "service_started", "restart": True, "required": True},
        "db": {"condition": "service_started", "restart": True, "required": True},
        "files": {"condition": "service_started", "required": True},
    }


def test_a_circle_of_dependencies_is_named() -> None:
    services = {name: {"depends_on": needed_condition(to)} for name, to in ("ab", "bc", "ca")}

    error = wrong(project(services=services))

    assert error.message.endswith("dependencies go round in a circle: a -> b -> c -> a")


def needed_condition(name: str) -> dict[str, Any]:
    return {name: {"condition": "service_started", "required": True}}


def test_a_long_chain_of_dependencies_is_no_circle() -> None:
    services: dict[str, Any] = {
        f"s{number}": {"depends_on": needed_condition(f"s{number + 1}")} for number in range(3000)
    }

    selection = consistent(project(services={**services, "s3000": {}}), PLACES)

    assert listing.services(selection)[0] == "s3000"


@pytest.mark.parametrize(
    ("elements", "message", "hint"),
    [
        (
            {"services": {"web": {"networks": {"bak": None}}}, "networks": {"back": None}},
            "services.web.networks.bak: there is no network 'bak'", "did you mean 'back'?",
        ),
        (
            {"services": {"web": {"secrets": [{"source": "key"}]}}},
            "services.web.secrets[0]: there is no secret 'key'",
            "declare it at the top level, below secrets",
        ),
        (
            {"services": {"web": {"depends_on": needed_condition("dbb")}, "db": {}}},
            "services.web.depends_on.dbb: there is no service 'dbb'", "did you mean 'db'?",
        ),
        (
            {"services": {"web": {"scale": 2, "container_name": "one"}}},
            "services.web.container_name: 2 containers can't have the same name",
            "without container_name each container gets a name of its own",
        ),
        (
            {"services": {"web": {"mem_limit": "1g", "deploy": {"resources": {"limits": {}}}}}},
            "services.web.mem_limit: differs from deploy.resources.limits.memory",
            "leave one out, or say the same",
        ),
    ],
)  # fmt: skip
def test_contradictions(elements: dict[str, Any], message: str, hint: str) -> None:
    error = wrong(project(**elements))

    assert (error.message, error.hint) == (message, hint)


def test_a_disabled_dependency_says_how_to_enable_it() -> None:
    services = {"web": {"depends_on": needed_condition("db")}, "db": {"profiles": ["data"]}}

    error = wrong(project(services=services))

    assert error.message == "services.web.depends_on.db: service 'db' isn't active"
    assert error.hint == "--profile data starts it"


def test_two_services_cant_have_one_containers_name() -> None:
    services = {"a": {"container_name": "x"}, "b": {"container_name": "x"}}

    with pytest.raises(InvalidInput, match=r"services\.b\.container_name: service a has"):
        require_different_names(project(services=services), PLACES)


def test_profiles_and_names_choose_services() -> None:
    services = {
        "web": {"depends_on": needed_condition("db")}, "db": {}, "tool": {"profiles": ["tools"]},
    }  # fmt: skip
    selection = project(services=services, volumes={"unused": None})

    assert sorted(selection.services) == ["db", "web"]
    assert sorted(with_named(selection, ["tool"]).services) == ["db", "tool", "web"]
    assert sorted(only(selection, ["web"]).services) == ["db", "web"]
    assert sorted(only(selection, ["web"], alone=True).services) == ["web"]
    assert "volumes" not in needed(selection).tree
    with pytest.raises(NotFound, match="no such service: tool"):
        only(selection, ["tool"])


def test_files_of_variables_come_below_a_services_own() -> None:
    files = {"/e": "A=file\nB=${FOO}$A\n", "/l": "x=file\ny=2\n"}
    service = {
        "environment": {"A": "own", "FOO": None}, "env_file": [{"path": "/e"}],
        "labels": {"x": "own"}, "label_file": ["/l"],
    }  # fmt: skip
    outside = Outside({"FOO": "bar"}, files.get, lambda _: None, PLACES)
    services = project(services={"web": service}).services

    web = with_labels(with_environments(services, outside), outside)["web"]

    assert web["environment"] == {"A": "own", "B": "barown", "FOO": "bar"}
    assert web["labels"] == {"x": "own", "y": "2"}


def test_a_file_of_variables_may_be_missing_where_that_is_said() -> None:
    outside = Outside({}, lambda _: None, lambda _: None, PLACES)
    files = [{"path": "/none", "required": False}]

    assert with_environments(project(services={"web": {"env_file": files}}).services, outside)
    with pytest.raises(InvalidInput, match=r"services\.web\.env_file\[0\]: there is no file /none"):
        with_environments(
            project(services={"web": {"env_file": [{"path": "/none"}]}}).services, outside
        )


def test_paths_become_absolute() -> None:
    bind = {"type": "bind", "source": "./x", "target": "/x"}
    tree = {
        "services": {"web": {"build": {"context": ".."}, "volumes": [bind]}},
        "secrets": {"key": {"file": "~/key"}, "drive": {"file": "C:\\key"}},
    }

    found = resolved(tree, Base("/srv/shop", home="/home/me"), PLACES)

    assert found["services"]["web"]["build"]["context"] == "/srv"
    assert found["services"]["web"]["volumes"][0]["source"] == "/srv/shop/x"
    assert [each["file"] for each in found["secrets"].values()] == ["/home/me/key", "C:\\key"]
    assert bind["source"] == "./x"


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        ({"volumes": {"v": {"external": True, "driver": "x"}}}, "volumes.v.driver: external and"),
        ({"secrets": {"s": {"file": "a", "environment": "b"}}}, "secrets.s: file and environment"),
        ({"configs": {"c": {}}}, "configs.c: has none of file"),
    ],
)
def test_single_elements_are_validated(tree: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        validate(tree, PLACES)

    assert caught.value.message.startswith(message)


def test_a_project_has_types() -> None:
    service = {"mem_limit": "1g", "stop_grace_period": "1m", "deploy": {"replicas": 2}}
    typed = from_tree(project(services={"web": service}).tree).services["web"]

    assert typed.mem_limit == 2**30
    assert typed.stop_grace_period == 60 * 10**9
    assert typed.deploy is not None
    assert typed.deploy.replicas == 2
