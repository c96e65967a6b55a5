"""Answers that say no, with the codes of the distribution specification.

They are no failures of Dockyard but part of the protocol: whoever handles a request raises one,
and it becomes the specification's JSON. None says whether something exists that the client may
not see.
"""

from __future__ import annotations

from collections.abc import Mapping


class Refused(Exception):
    """A request that is answered by an error of the specification."""

    def __init__(
        self, status: int, code: str, message: str, *, detail: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.detail = detail
        self.headers = headers or {}

    def document(self) -> dict[str, object]:
        """The answer's body."""
        error: dict[str, object] = {"code": self.code, "message": self.message}
        if self.detail is not None:
            error["detail"] = self.detail
        return {"errors": [error]}


class NoRoom(Refused):
    """What comes can't be kept: what has come of it is of no use either."""


def no_such_page() -> Refused:
    return Refused(404, "UNSUPPORTED", "there is nothing at this path")


def bad_name(name: str) -> Refused:
    return Refused(400, "NAME_INVALID", "invalid repository name", detail={"name": name[:255]})


def unknown_name(name: str) -> Refused:
    return Refused(
        404, "NAME_UNKNOWN", "repository name not known to registry", detail={"name": name}
    )


def bad_digest(digest: str, why: str = "it is not a sha256 or sha512 digest") -> Refused:
    return Refused(400, "DIGEST_INVALID", f"invalid digest: {why}",
                   detail={"digest": digest[:200]})  # fmt: skip


def other_digest(wanted: str, found: str) -> Refused:
    return Refused(
        400, "DIGEST_INVALID", "provided digest did not match uploaded content",
        detail={"digest": wanted, "content": found},
    )  # fmt: skip


def bad_tag(tag: str) -> Refused:
    return Refused(400, "TAG_INVALID", "invalid tag or digest", detail={"tag": tag[:200]})


def unknown_blob(digest: str) -> Refused:
    return Refused(404, "BLOB_UNKNOWN", "blob unknown to registry", detail={"digest": digest})


def damaged_blob(digest: str) -> Refused:
    """It was taken out, so that whoever has it can push it again."""
    return Refused(
        404, "BLOB_UNKNOWN", "blob was damaged on disk and is no longer there: push it again",
        detail={"digest": digest},
    )  # fmt: skip


def unknown_manifest(reference: str) -> Refused:
    return Refused(404, "MANIFEST_UNKNOWN", "manifest unknown", detail={"reference": reference})


def bad_manifest(why: str) -> Refused:
    return Refused(400, "MANIFEST_INVALID", f"manifest invalid: {why}")


def missing_parts(digests: list[str]) -> Refused:
    return Refused(
        404, "MANIFEST_BLOB_UNKNOWN", "manifest references content unknown to the repository",
        detail=[{"digest": digest} for digest in digests[:100]],
    )  # fmt: skip


def unknown_upload(upload: str) -> Refused:
    return Refused(404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry",
                   detail={"upload": upload[:100]})  # fmt: skip


def bad_upload(why: str) -> Refused:
    return Refused(400, "BLOB_UPLOAD_INVALID", f"blob upload invalid: {why}")


def out_of_order(headers: Mapping[str, str]) -> Refused:
    return Refused(416, "BLOB_UPLOAD_INVALID", "chunk out of order", headers=headers)


def no_such_range(size: int) -> Refused:
    return Refused(
        416, "SIZE_INVALID", "the range begins behind the end",
        headers={"Content-Range": f"bytes */{size}"},
    )  # fmt: skip


def bad_form(why: str) -> Refused:
    return Refused(400, "UNSUPPORTED", f"form invalid: {why}")


def bad_size(why: str) -> Refused:
    return Refused(400, "SIZE_INVALID", why)


def too_large(most: int) -> Refused:
    return Refused(413, "SIZE_INVALID", f"at most {most} bytes are allowed")


def stalled(seconds: float) -> Refused:
    return Refused(408, "BLOB_UPLOAD_INVALID", f"next to nothing came for {seconds:.0f} seconds")


def denied(why: str = "requested access to the resource is denied") -> Refused:
    return Refused(403, "DENIED", why)


def conflict(why: str) -> Refused:
    return Refused(409, "DENIED", why)


def over_quota(pattern: str, quota: int) -> Refused:
    return NoRoom(403, "DENIED", f"quota of {quota} bytes for {pattern} is exceeded")


def unsupported(why: str) -> Refused:
    return Refused(405, "UNSUPPORTED", why)


def too_many(why: str) -> Refused:
    return Refused(429, "TOOMANYREQUESTS", why, headers={"Retry-After": "5"})


def disk_full() -> Refused:
    return NoRoom(507, "UNKNOWN", "the registry's disk is full")


def upstream(why: str) -> Refused:
    return Refused(502, "UNKNOWN", f"the registry that this one mirrors fails: {why}")


def failing() -> Refused:
    return Refused(500, "UNKNOWN", "the registry failed; its log says why")
