"""``compose config``."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from dockyard.cli.command import define, open_engine
from dockyard.cli.commands.build import write
from dockyard.cli.compose import project as projects
from dockyard.cli.compose.command import with_flags
from dockyard.cli.compose.flags import Flags
from dockyard.cli.compose.section import section
from dockyard.cli.line import argument, option
from dockyard.cli.output import say
from dockyard.compose.load import listing, render, variables
from dockyard.compose.load.loader import Loaded
from dockyard.compose.load.yaml_text import yaml_text
from dockyard.errors import InvalidInput
from dockyard.oci.reference import Reference

_TITLES = ("NAME", "REQUIRED", "DEFAULT VALUE", "ALTERNATE VALUE")


@define("compose config", "[OPTIONS] [SERVICE...]")
@option("--environment", is_flag=True, help="Print environment used for interpolation.")
@option("--format", "form", metavar="string",
        help="Format the output. Values: [yaml | json]")  # fmt: skip
@option("--hash", "hashed", metavar="string",
        help="Print the service config hash, one per line.")  # fmt: skip
@option("--images", is_flag=True, help="Print the image names, one per line.")
@option("--lock-image-digests", is_flag=True, help="Produces an override file with image digests")
@option("--models", is_flag=True, help="Print the model names, one per line.")
@option("--networks", is_flag=True, help="Print the network names, one per line.")
@option("--no-consistency", is_flag=True,
        help="Don't check model consistency - warning: may produce invalid Compose"
        " output")  # fmt: skip
@option("--no-env-resolution", is_flag=True, help="Don't resolve service env files")
@option("--no-interpolate", is_flag=True, help="Don't interpolate environment variables")
@option("--no-normalize", is_flag=True, help="Don't normalize compose model")
@option("--no-path-resolution", is_flag=True, help="Don't resolve file paths")
@option("-o", "--output", metavar="string", help="Save to file (default to stdout)")
@option("--profiles", is_flag=True, help="Print the profile names, one per line.")
@option("-q", "--quiet", is_flag=True,
        help="Only validate the configuration, don't print anything")  # fmt: skip
@option("--resolve-image-digests", is_flag=True, help="Pin image tags to digests")
@option("--services", "service_names", is_flag=True,
        help="Print the service names, one per line.")  # fmt: skip
@option("--variables", is_flag=True, help="Print model variables and default values.")
@option("--volumes", is_flag=True, help="Print the volume names, one per line.")
@argument("services", many=True, required=False)
@with_flags
def command(flags: Flags, /, services: tuple[str, ...], **values: Any) -> None:
    """Prints what the files say, complete and checked, or one thing of it."""
    if values["variables"]:
        say(_variables(_plain_tree(flags, values), values["form"] or ""), end="")
        return
    for name, lines in _LISTS.items():
        if values[name]:
            _print_lines(flags, services, values, lines)
            return
    text = _document(flags, services, values)
    if values["quiet"]:
        return
    if values["output"]:
        write(values["output"], text, "--output")
    else:
        say(text, end="")


def _load(
    flags: Flags, services: tuple[str, ...], values: Mapping[str, Any], *, resolved: bool
) -> Loaded:
    return projects.loaded(
        flags,
        services,
        all_resources=flags.all_resources,
        normalize=not (values["no_normalize"] or flags.compatibility),
        resolve_paths=not values["no_path_resolution"],
        consistency=not values["no_consistency"],
        resolve_environment=resolved and not values["no_env_resolution"],
    )


def _plain_tree(flags: Flags, values: Mapping[str, Any]) -> dict[str, Any]:
    """What the files say, with variables as they are written."""
    return projects.plain_tree(
        flags,
        normalize=not values["no_normalize"],
        resolve_paths=not values["no_path_resolution"],
        consistency=not values["no_consistency"],
    )


Lines = Callable[[Loaded, Mapping[str, Any]], list[str]]


def _print_lines(
    flags: Flags, services: tuple[str, ...], values: Mapping[str, Any], lines: Lines
) -> None:
    """One thing of each, on a line of its own."""
    named = services if lines in _NARROWED else ()
    for line in lines(_load(flags, named, values, resolved=False), values):
        say(line)


def _hashes(found: Loaded, values: Mapping[str, Any]) -> list[str]:
    wanted = () if values["hashed"] == "*" else values["hashed"].split(",")
    platform = found.project.environment.get("DOCKER_DEFAULT_PLATFORM", "")
    return listing.hashes(found.selection, wanted, platform)


def _profiles(found: Loaded, _values: object) -> list[str]:
    return listing.profiles(found.selection)


def _images(found: Loaded, _values: object) -> list[str]:
    return listing.images(found.selection, found.project.separator)


def _environment(found: Loaded, _values: object) -> list[str]:
    return listing.environment(found.project.environment)


_LISTS: dict[str, Lines] = {
    "service_names": lambda found, _values: listing.services(found.selection),
    "volumes": lambda found, _values: listing.names(found.selection, "volumes"),
    "networks": lambda found, _values: listing.names(found.selection, "networks"),
    "models": lambda found, _values: listing.models(found.selection),
    "hashed": _hashes,
    "profiles": _profiles,
    "images": _images,
    "environment": _environment,
}
"""In the order in which Docker Compose looks at the flags."""
_NARROWED = (_profiles, _images, _environment)
"""Those that are about the named services."""


def _variables(tree: dict[str, Any], form: str) -> str:
    found = variables.named(tree).values()
    rows = [(one.name, str(one.required).lower(), one.default, one.alternate) for one in found]
    documents = {
        one.name: {
            "Name": one.name,
            "DefaultValue": one.default,
            "PresenceValue": one.alternate,
            "Required": one.required,
        }
        for one in found
    }
    if form == "yaml":
        lower = {name: {key.lower(): value for key, value in each.items()}
                 for name, each in documents.items()}  # fmt: skip
        return yaml_text(lower)
    if form == "json":
        return json.dumps(documents, indent=4, ensure_ascii=False) + "\n"
    return section(_TITLES, rows, (), form)


def _document(flags: Flags, services: tuple[str, ...], values: Mapping[str, Any]) -> str:
    form = values["form"] or "yaml"
    if form not in {"yaml", "json"}:
        raise InvalidInput(f'unsupported format "{form}"', hint="yaml or json")
    digests = values["resolve_image_digests"] or values["lock_image_digests"]
    if values["no_interpolate"]:
        tree = _plain_tree(flags, values)
        if digests:
            tree = {**tree, "services": _pinned(tree.get("services", {}))}
        if values["lock_image_digests"]:
            tree = _images_only(tree)
        return render.raw(tree, as_json=form == "json")
    selection = _load(flags, services, values, resolved=True).selection
    tree = selection.tree
    if digests:
        tree = {**tree, "services": _pinned(selection.services)}
    if values["lock_image_digests"]:
        tree = _images_only(tree)
    return render.as_json(tree) if form == "json" else render.as_yaml(tree)


def _images_only(tree: dict[str, Any]) -> dict[str, Any]:
    services = {
        name: {key: value for key, value in service.items() if key == "image"}
        for name, service in tree.get("services", {}).items()
    }
    return {"services": services}


def _pinned(services: Mapping[str, Any]) -> dict[str, Any]:
    """The services with the digests that their registries have for their images."""
    with open_engine() as engine:

        def pinned(name: str) -> str:
            reference = Reference.parse(name)
            if reference.digest:
                return name
            return f"{reference.repository}@{engine.look(name).digest}"

        return {
            name: {**service, "image": pinned(service["image"])}
            if service.get("image")
            else service
            for name, service in services.items()
        }
