"""The one tree of errors.

Every failure that a user can meet is a :class:`DockyardError`: a value with a kebab-case
reference (stable, searchable, the same in every language), a message that says what happened, a
context that says where, a hint that says what to do next, and the codes of the doors through
which it may leave (process exit code, HTTP status). It is rendered in one place,
:mod:`dockyard.cli.render`. Code raises these and never prints.

Exit codes follow Docker: 1 for an ordinary failure, 125 when the engine itself failed to run a
container, 126 when the command can't be invoked, 127 when it isn't found, 128+n for signal n.
"""

from __future__ import annotations


class DockyardError(Exception):
    """Base of all errors that are shown to a user.

    Subclasses set ``reference``, ``exit_code``, ``http_status`` and perhaps ``default_hint`` for a
    whole family; an instance may give a more precise ``reference`` or hint.
    """

    reference: str = "error"
    default_hint: str | None = None
    exit_code: int = 1
    http_status: int = 500

    def __init__(
        self,
        message: str,
        *,
        context: str | None = None,
        hint: str | None = None,
        reference: str | None = None,
        exit_code: int | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.context = context
        self.hint = self.default_hint if hint is None else hint
        if reference is not None:
            self.reference = reference
        if exit_code is not None:
            self.exit_code = exit_code

    def __str__(self) -> str:
        return self.message


class InvalidInput(DockyardError):
    """What the caller asked for makes no sense or contradicts itself."""

    reference = "invalid-input"
    http_status = 400


class NotFound(DockyardError):
    """A named object does not exist."""

    reference = "not-found"
    http_status = 404


class Conflict(DockyardError):
    """The object is in a state, or in use, that forbids the operation."""

    reference = "conflict"
    http_status = 409


class NotSupported(DockyardError):
    """Understood, but not done by this version or on this host; never silently ignored."""

    reference = "not-supported"
    http_status = 501


class PermissionMissing(DockyardError):
    """A privilege of the calling process is missing."""

    reference = "permission-missing"
    http_status = 403


class ComponentMissing(DockyardError):
    """A program that Dockyard stands on is not installed."""

    reference = "component-missing"


class ComponentFailed(DockyardError):
    """A program that Dockyard stands on failed; the message holds its last words."""

    reference = "component-failed"


class StateError(DockyardError):
    """The state on disk can't be read or written."""

    reference = "state"


class DiskFull(StateError):
    """The disk that holds the state is full."""

    reference = "disk-full"
    http_status = 507

    def __init__(self, what: str, *, spared: str = "") -> None:
        """``what`` could not be written: a path, or words such as ``the image``.

        ``spared`` is what of the disk is left on purpose, for records and other programs.
        """
        super().__init__(
            f"no space left to write {what}" + (f": the last {spared} stay free" if spared else ""),
            hint="free some space (dockyard system df, dockyard system prune), then try again",
        )


class ContentMismatch(DockyardError):
    """Content does not have the digest or size that names it, or makes no sense at all."""

    reference = "content-mismatch"
    default_hint = "it is damaged, or was changed on its way: get it from its source again"


class HostileInput(DockyardError):
    """An archive, image or context tries to leave its place, or to take too much."""

    reference = "hostile-input"
    default_hint = (
        "nothing of it was kept: get it from its source again, and if it comes the same, ask there"
    )
    http_status = 400


class BuildError(DockyardError):
    """A Dockerfile is wrong, or one of its steps failed."""

    reference = "build"


class RunError(DockyardError):
    """A container could not be started (Docker's exit code 125)."""

    reference = "run"
    exit_code = 125


class ServiceFailed(DockyardError):
    """A service doesn't come to serve: its replicas can't be started, or aren't ready in time."""

    reference = "service"
    http_status = 503


class RegistryError(DockyardError):
    """A registry did not do what it was asked, or said what makes no sense."""

    reference = "registry"
    http_status = 502
