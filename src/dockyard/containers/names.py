"""Ids and the names that containers get when nobody gives one."""

from __future__ import annotations

import os
import re

from dockyard.errors import InvalidInput

_LEFT = (
    "able", "agile", "amber", "bold", "brave", "bright", "brisk", "calm", "clever", "cosy",
    "crisp", "deft", "eager", "fair", "fond", "fresh", "gentle", "glad", "golden", "grand",
    "happy", "hardy", "keen", "kind", "lively", "lucid", "merry", "mild", "neat", "noble",
    "patient", "proud", "quick", "quiet", "ready", "serene", "sharp", "silver", "smart", "snug",
    "steady", "sunny", "swift", "tidy", "true", "vivid", "warm", "wise", "witty", "young",
)  # fmt: skip
_RIGHT = (
    "anchor", "bay", "beacon", "berth", "bow", "breeze", "brig", "buoy", "cape", "captain",
    "clipper", "compass", "coral", "crane", "current", "cutter", "deck", "dock", "dolphin",
    "ferry", "fjord", "galley", "gull", "harbour", "haven", "helm", "hull", "jetty", "keel",
    "lagoon", "lantern", "mast", "mooring", "oar", "otter", "pier", "pilot", "port", "quay",
    "reef", "rudder", "sail", "schooner", "seal", "shore", "sloop", "strait", "tide", "tug",
    "wharf",
)  # fmt: skip
_VALID = r"[a-zA-Z0-9][a-zA-Z0-9_.-]+"


def new_id() -> str:
    """64 random hexadecimal digits, as Docker has them."""
    return os.urandom(32).hex()


def new_name() -> str:
    """Two words, such as ``brave_otter``, and a number so that two rarely meet."""
    chance = int.from_bytes(os.urandom(8), "little")
    chance, left = divmod(chance, len(_LEFT))
    chance, right = divmod(chance, len(_RIGHT))
    return f"{_LEFT[left]}_{_RIGHT[right]}{chance % 1000}"


def check_name(name: str) -> str:
    """The name, if it is a valid one.

    Raises:
        InvalidInput: it isn't.
    """
    if not re.fullmatch(_VALID, name):
        raise InvalidInput(
            f"invalid container name ({name}), only {_VALID} are allowed",
            hint="such as web-1, from two characters on",
            exit_code=125,
        )
    return name
