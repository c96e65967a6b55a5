"""``python -m tests.fuzz.one TARGET [libFuzzer's arguments]``: one target under Atheris."""

from __future__ import annotations

import importlib
import sys


def main() -> None:
    """Never returns: libFuzzer ends the process."""
    atheris = importlib.import_module("atheris")  # only here, and only for fuzzing
    with atheris.instrument_imports(include=["dockyard"]):
        from tests.fuzz.targets import TARGETS

    name = sys.argv.pop(1)
    atheris.Setup(sys.argv, TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
