"""Which part of a directory COPY takes: ``--exclude`` and ``--parents``. Pure.

Patterns are those of ``.dockerignore``. They are compared with paths below the directory that is
copied, so that a file that a source names itself is always copied, as BuildKit does.
"""

from __future__ import annotations

from collections.abc import Sequence

from dockyard.build.dockerfile.ignore import compile_list


class Selection:
    """Which paths below a directory count."""

    def __init__(self, exclude: Sequence[str] = (), include: str = "") -> None:
        """``include`` names what counts at all; empty means everything."""
        self._left_out = compile_list(exclude)
        self._chosen = compile_list(("**", f"!{include}") if include else ())

    def keeps(self, path: str) -> bool:
        """Whether the entry itself is copied."""
        return not (self._left_out.excludes(path) or self._chosen.excludes(path))

    def may_keep_below(self, path: str) -> bool:
        """Whether something in a directory may be copied that isn't copied itself."""
        return all(
            not rules.excludes(path) or rules.may_reinclude_below(path)
            for rules in (self._left_out, self._chosen)
        )


EVERYTHING = Selection()
