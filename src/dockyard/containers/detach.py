"""The keys that leave a container's terminal without ending its program. Pure."""

from __future__ import annotations

from dockyard.errors import DockyardError, InvalidInput

DEFAULT_KEYS = "ctrl-p,ctrl-q"
_CONTROL = "@abcdefghijklmnopqrstuvwxyz[\\]^_"
"""The keys that Ctrl turns into the codes 0 to 31, in their order."""
_DELETE = 127


class Detached(DockyardError):
    """The user left, by the keys or by closing the terminal; the program runs on."""

    reference = "detached"


def parse_keys(text: str) -> bytes:
    """The bytes of ``ctrl-p,ctrl-q``: letters and signs, and ``ctrl-`` with ``@`` to ``_``.

    An empty text means :data:`DEFAULT_KEYS`.

    Raises:
        InvalidInput: a key that Docker doesn't know.
    """
    return bytes(_code(key, text) for key in (text or DEFAULT_KEYS).split(","))


def _code(key: str, text: str) -> int:
    if len(key) == 1 and ord(key) <= _DELETE:
        return ord(key)
    name = key.removeprefix("ctrl-")
    if name != key and len(name) == 1 and name in _CONTROL:
        return _CONTROL.index(name)
    if key == "DEL":
        return _DELETE
    raise InvalidInput(
        f"invalid detach keys ({text}): unknown character '{key}'",
        hint="a list such as ctrl-p,ctrl-q: single characters, DEL, and ctrl- with a to z, @, [,"
        " \\, ], ^ or _",
        exit_code=125,
    )


class DetachKeys:
    """Watches typed bytes for the keys; what may be their beginning is held back meanwhile."""

    def __init__(self, keys: bytes) -> None:
        self._keys = keys
        self._held = b""

    def feed(self, typed: bytes) -> tuple[bytes, bool]:
        """What may be passed on now, and whether the keys are complete.

        What comes after complete keys is dropped: nobody is there any more to whom it would go.
        """
        data = self._held + typed
        place = data.find(self._keys) if self._keys else -1
        if place >= 0:
            self._held = b""
            return data[:place], True
        kept = next(
            (count for count in range(min(len(self._keys) - 1, len(data)), 0, -1)
             if data.endswith(self._keys[:count])),
            0,
        )  # fmt: skip
        self._held = data[len(data) - kept :]
        return data[: len(data) - kept], False
