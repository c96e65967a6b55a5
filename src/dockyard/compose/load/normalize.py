"""Makes explicit what follows from the rest: the default network, dependencies, names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from dockyard.compose.load.printed import clean_path

Tree = dict[str, Any]

_SERVICE: Final = "service:"
_CONTAINER: Final = "container:"
_NAMESPACES: Final = ("network_mode", "ipc", "pid", "uts", "cgroup")
_NAMED: Final = ("networks", "volumes", "configs", "secrets")


def normalize(tree: Tree, variables: Mapping[str, str]) -> Tree:
    """A canonical tree in which nothing is implied any more.

    Args:
        tree: with the project's ``name``.
        variables: the environment, which gives values to variables that are only named.
    """
    services = {
        name: _service(service, variables) for name, service in tree.get("services", {}).items()
    }
    whole = {**tree, "services": services} if "services" in tree else dict(tree)
    networks = dict(tree.get("networks") or {})
    if any(_uses_default(service) for service in services.values()):
        networks.setdefault("default", None)
    if networks:
        whole["networks"] = networks
    for kind in _NAMED:
        if whole.get(kind) is not None:
            whole[kind] = _with_names(whole[kind], whole.get("name", ""))
    return whole


def _service(service: Tree, variables: Mapping[str, str]) -> Tree:
    new = dict(service)
    if not service.get("networks") and _is_networked(service):
        new["networks"] = {"default": None}
    if service.get("pull_policy") == "if_not_present":
        new["pull_policy"] = "missing"
    if "build" in service:
        new["build"] = _build(service["build"], variables)
    if "environment" in service:
        new["environment"] = with_values(service["environment"], variables, keep=True)
    if "volumes" in service:
        new["volumes"] = [_volume(volume) for volume in service["volumes"]]
    dependencies = _dependencies(service)
    if dependencies:
        new["depends_on"] = dependencies
    return new


def _uses_default(service: Tree) -> bool:
    return _is_networked(service) and "default" in service["networks"]


def _is_networked(service: Tree) -> bool:
    """True for what has networks of its own, if only the default one."""
    return not {"provider", "network_mode"} & service.keys()


def _build(build: Tree, variables: Mapping[str, str]) -> Tree:
    new = dict(build)
    if new.get("context") is None:
        new["context"] = "."
    if new.get("dockerfile") is None and new.get("dockerfile_inline") is None:
        new["dockerfile"] = "Dockerfile"
    if "args" in new:
        new["args"] = with_values(new["args"], variables, keep=False)
    return new


def _volume(volume: Any) -> Any:
    if not isinstance(volume, dict):
        return volume
    return {**volume, "target": clean_path(volume.get("target", ""))}


def _dependencies(service: Tree) -> Tree:
    """What is said, and what links and shared namespaces and volumes imply."""
    found = dict(service.get("depends_on") or {})
    for link in service.get("links") or ():
        parts = link.split(":")
        found.setdefault(parts[0] if len(parts) == 2 else link, _implied(restart=True))
    for namespace in _NAMESPACES:
        reference = service.get(namespace) or ""
        if reference.startswith(_SERVICE):
            found.setdefault(reference.removeprefix(_SERVICE), _implied(restart=True))
    for volumes in service.get("volumes_from") or ():
        if not volumes.startswith(_CONTAINER):
            found.setdefault(volumes.partition(":")[0], _implied(restart=False))
    return found


def _implied(*, restart: bool) -> Tree:
    return {"condition": "service_started", "restart": restart, "required": True}


def with_values(given: Any, variables: Mapping[str, str], *, keep: bool) -> Any:
    """A list or mapping of variables, with values for those that are only named.

    Args:
        keep: those that have none stay, without.
    """
    if isinstance(given, dict):
        found = {
            name: variables.get(name) if value is None else value for name, value in given.items()
        }
        return {name: value for name, value in found.items() if keep or value is not None}
    if not isinstance(given, list):
        return given
    texts = [_with_value(text, variables) for text in given]
    return [text for text in texts if keep or "=" in text]


def _with_value(text: str, variables: Mapping[str, str]) -> str:
    return f"{text}={variables[text]}" if "=" not in text and text in variables else text


def _with_names(elements: Tree, project: str) -> Tree:
    named = {}
    for key, element in elements.items():
        new = dict(element or {})
        if new.get("name") is None:
            new["name"] = key if _is_true(new.get("external")) else f"{project}_{key}"
        named[key] = new
    return named


def _is_true(value: object) -> bool:
    return value is True or value in ("1", "t", "T", "TRUE", "true", "True")
