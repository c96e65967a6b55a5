"""What is wrong with single elements that the schema lets pass."""

from __future__ import annotations

from typing import Any, Final

from dockyard.compose.load.canonical_ports import is_address
from dockyard.compose.load.place import Path, Places
from dockyard.compose.load.printed import printed
from dockyard.compose.load.problem import problem
from dockyard.compose.load.walk import Rule, rewritten, rules

_BESIDE_EXTERNAL: Final = ("name", "external")


def validate(tree: dict[str, Any], places: Places) -> None:
    """Checks a canonical tree.

    Raises:
        InvalidInput: properties exclude each other, or a value can't be.
    """
    checks = _Checks(places)
    table: dict[str, Rule] = {
        "volumes.*": checks.volume,
        "configs.*": checks.sources("file", "environment", "content"),
        "secrets.*": checks.sources("file", "environment"),
        "services.*.ports.*": checks.port,
        "services.*.develop.watch.*.path": checks.path,
        "services.*.deploy.resources.reservations.devices.*": checks.devices,
        "services.*.gpus.*": checks.devices,
    }
    rewritten(tree, rules(table))


class _Checks:
    def __init__(self, places: Places) -> None:
        self._places = places

    def volume(self, value: Any, path: Path) -> Any:
        external = value.get("external", False) if isinstance(value, dict) else False
        if not isinstance(external, bool):
            raise problem(self._places, (*path, "external"), "must be true or false")
        beside = [
            name
            for name in (value if external else ())
            if name not in _BESIDE_EXTERNAL and not name.startswith("x-")
        ]
        if beside:
            hint = "what is external is made elsewhere: only its name can be said"
            message = f"external and {beside[0]} exclude each other"
            raise problem(self._places, (*path, beside[0]), message, hint)
        return value

    def sources(self, *names: str) -> Rule:
        """A check that exactly one of these properties is there."""

        def check(value: Any, path: Path) -> Any:
            given = [name for name in names if name in value]
            if len(given) > 1:
                message = f"{' and '.join(given)} exclude each other"
                raise problem(self._places, path, message, "leave all but one out")
            if not given and "driver" not in value and "external" not in value:
                message = f"has none of {', '.join(names)} and external"
                raise problem(self._places, path, message)
            return value

        return check

    def port(self, value: Any, path: Path) -> Any:
        address = value.get("host_ip") if isinstance(value, dict) else None
        if address is not None and not is_address(address):
            raise problem(self._places, (*path, "host_ip"), f"{printed(address)!r} is no address")
        return value

    def path(self, value: Any, path: Path) -> Any:
        if value == "":
            raise problem(self._places, path, "can't be empty")
        return value

    def devices(self, value: Any, path: Path) -> Any:
        if isinstance(value, dict) and "count" in value and "device_ids" in value:
            raise problem(self._places, path, "count and device_ids exclude each other")
        return value
