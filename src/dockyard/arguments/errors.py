"""What every reader of an argument raises."""

from __future__ import annotations

from dockyard.errors import InvalidInput


def invalid(message: str, hint: str, context: str | None = None) -> InvalidInput:
    """An argument that makes no sense, with Docker's exit code."""
    return InvalidInput(message, hint=hint, context=context, exit_code=125)
