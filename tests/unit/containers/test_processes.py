"""What ps(1) says, for ``top``."""

from __future__ import annotations

from dockyard.containers.processes import refused


def test_options_that_ps_does_not_take_get_its_first_line() -> None:
    words = 'error: unknown user-defined format specifier "bogus"\n\nUsage:\n ps [options]\n'

    error = refused(words)

    assert error.message == 'error running ps: unknown user-defined format specifier "bogus"'
    assert "Usage" not in (error.hint or "")
