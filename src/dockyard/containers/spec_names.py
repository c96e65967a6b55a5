"""Names and addresses that are written into a container's files, whoever gave them. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from dockyard.containers.options import Networking, Options
from dockyard.errors import InvalidInput
from dockyard.networks import spelling
from dockyard.networks.addresses import is_address
from dockyard.networks.model import Connection

_HOST_GATEWAY = "host-gateway"
_LABELS = "letters, digits, '-' and '_', with dots between"


def check(options: Options) -> None:
    """Raises :class:`InvalidInput` for what would be more than one word in such a file."""
    _require([options.hostname or ""], _is_hostname, "hostname", f"{_LABELS}; at most 64 in all")
    _require([options.domainname or ""], _is_hostname, "domainname",
             f"{_LABELS}; at most 64 in all")  # fmt: skip
    _check_networking(options.networking)


def check_aliases(connection: Connection) -> None:
    """As :func:`check`, for the names of one connection."""
    _require(connection.aliases, spelling.is_name, "network alias", _LABELS)


def _check_networking(networking: Networking) -> None:
    _require(networking.dns_search, _is_search, "--dns-search domain", f"{_LABELS}, or a dot alone")
    _require(networking.dns_options, spelling.is_word, "--dns-option", "one word, such as ndots:2")
    _require(networking.dns, is_address, "--dns server", "an IPv4 or IPv6 address")
    _require(networking.extra_hosts, _is_host, "--add-host", "NAME:ADDRESS")


def _require(given: Iterable[str], valid: Callable[[str], bool], kind: str, form: str) -> None:
    for text in given:
        if not valid(text):
            raise InvalidInput(f"invalid {kind}: {text!r}", hint=form, exit_code=125)


def _is_hostname(text: str) -> bool:
    """Empty stands for the default."""
    return not text or spelling.is_name(text, spelling.HOSTNAME_LENGTH)


def _is_search(text: str) -> bool:
    return text == "." or spelling.is_name(text.removesuffix("."))


def _is_host(text: str) -> bool:
    name, _, address = text.partition(":")
    return spelling.is_word(name) and (address == _HOST_GATEWAY or is_address(address))
