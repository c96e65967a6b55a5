"""Keeping the root's nftables tables, and the allowances elsewhere, as they should be.

The run directory has ``network.nft``, the last input of ``nft``, and ``network.json``: what the
whole tables are since, and after which generation of the kernel's rules. While neither changed, all
is still in place and nothing needs to run.
"""

import contextlib
import os
from collections.abc import Sequence

import msgspec

from dockyard import decoding
from dockyard.errors import ComponentFailed
from dockyard.networks import firewall, kernel, legacy, ruleset
from dockyard.networks.firewall import Allowance
from dockyard.networks.lock import NetworkLock
from dockyard.networks.model import Endpoint, Network
from dockyard.state.paths import Paths, unusable
from dockyard.system import host


class _Applied(msgspec.Struct, frozen=True, kw_only=True):
    """What was applied last."""

    place: str
    """This boot and network namespace."""
    generation: int
    text: str
    """The whole tables as :func:`ruleset.replacement` says it."""
    rules: tuple[str, ...]
    others: bool
    """True where another firewall needed an allowance."""
    allowed: Allowance


class Rules:
    """The rules of one root."""

    def __init__(self, paths: Paths) -> None:
        self._root_hash = paths.root_hash
        self._text_path = f"{paths.run}/network.nft"
        self._state_path = f"{paths.run}/network.json"

    def applied(self) -> bool:
        """True where rules may be in place."""
        return os.path.exists(self._text_path)

    def current(self, networks: Sequence[Network], endpoints: Sequence[Endpoint]) -> bool:
        """True where the rules are those of the endpoints, so that nothing has to run."""
        if legacy.in_use():
            return False
        known = self._load(kernel.rules_generation())
        if known is None:
            return False
        rules = ruleset.translations(endpoints)
        return known.text == ruleset.replacement(self._root_hash, networks, rules)

    def apply(
        self, lock: NetworkLock, networks: Sequence[Network], endpoints: Sequence[Endpoint]
    ) -> None:
        """Makes the rules those of the endpoints.

        Raises:
            ComponentFailed: ``nft`` or another firewall refused; the rules are as before.
            ComponentMissing: ``nft`` is not installed.
        """
        rules = ruleset.translations(endpoints)
        text = ruleset.replacement(self._root_hash, networks, rules)
        allowed = firewall.allowance(self._root_hash, networks)
        if legacy.in_use():
            legacy.allow(lock, allowed)
        before = kernel.rules_generation()
        known = self._load(before)
        if known is not None and known.text == text:
            return
        others = known.others if known is not None and known.allowed == allowed else (
            firewall.allow(lock, allowed)
        )  # fmt: skip
        self._change(lock, networks, known, rules)
        after = kernel.rules_generation()
        if before is not None and after == before + 1:  # nobody else changed anything meanwhile
            state = _Applied(
                place=_place(), generation=after, text=text, rules=rules, others=others,
                allowed=allowed,
            )  # fmt: skip
            _write(self._state_path, msgspec.json.encode(state))

    def remove(self, lock: NetworkLock) -> None:
        """Removes every allowance, and hands over the removal of the tables. Idempotent."""
        allowed = firewall.allowance(self._root_hash, ())
        known = self._load(kernel.rules_generation())
        if known is None or known.others:
            firewall.withdraw(lock, allowed)
        if legacy.in_use():
            legacy.withdraw(lock, allowed)
        lock.hand_over(["nft", "-f", "-"], ruleset.removal(self._root_hash))
        for path in (self._state_path, self._text_path):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)

    def _load(self, generation: int | None) -> _Applied | None:
        """What was applied, unless any rule of the host changed since."""
        try:
            with open(self._state_path, "rb") as stream:
                state = decoding.from_json(stream.read(), _Applied)
        except (FileNotFoundError, msgspec.DecodeError):
            return None
        return state if (state.place, state.generation) == (_place(), generation) else None

    def _change(
        self,
        lock: NetworkLock,
        networks: Sequence[Network],
        known: _Applied | None,
        rules: tuple[str, ...],
    ) -> None:
        """Makes the tables have these rules in the quickest way that is right."""
        whole = ruleset.replacement(self._root_hash, networks, rules)
        if known is None:
            if self.applied() or not self._create(lock, networks, rules):
                self._execute(lock, whole)
            return
        same_frame = known.text == ruleset.replacement(self._root_hash, networks, known.rules)
        if same_frame and set(known.rules) <= set(rules):
            new = sorted(set(rules) - set(known.rules))
            self._execute(lock, ruleset.additions(self._root_hash, new))
        else:
            self._execute(lock, whole)

    def _create(
        self, lock: NetworkLock, networks: Sequence[Network], rules: tuple[str, ...]
    ) -> bool:
        """False where a table of this name is left from a crash."""
        try:
            self._execute(lock, ruleset.creation(self._root_hash, networks, rules))
        except ComponentFailed:
            return False
        return True

    def _execute(self, lock: NetworkLock, text: str) -> None:
        """One transaction. From a file, for half of it from a broken pipe could be valid, too."""
        _write(self._text_path, text.encode())
        lock.run(["nft", "-f", self._text_path])


def _place() -> str:
    return f"{host.boot_id()} {os.stat('/proc/self/ns/net').st_ino}"


def _write(path: str, data: bytes) -> None:
    """Replaces a file; no fsync, for after a crash of the host it means nothing."""
    temporary = f"{path}.tmp"
    try:
        with open(temporary, "wb", opener=_private) as stream:
            stream.write(data)
        os.rename(temporary, path)
    except OSError as error:
        raise unusable(path, error) from error


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CLOEXEC, 0o600)
