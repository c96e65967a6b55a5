"""One repository of one registry, as this user may see it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, BinaryIO, Final
from urllib.parse import quote, urlencode, urlsplit

from dockyard.decoding import natural
from dockyard.errors import ContentMismatch, DockyardError, NotFound, NotSupported, RegistryError
from dockyard.oci import digest as digests
from dockyard.oci.image import INDEX, MAX_DOCUMENT_BYTES, Descriptor, Index, decode_index
from dockyard.oci.reference import Reference
from dockyard.registry import blob, documents, listing
from dockyard.registry.endpoint import Call, Endpoint
from dockyard.registry.model import Document, Readable
from dockyard.registry.problems import Denied, Interrupted, Unauthorized
from dockyard.registry.repository import Repository, checked
from dockyard.registry.sending import Sendable, range_of, received
from dockyard.registry.transport import Answer, finish

if TYPE_CHECKING:
    from dockyard.registry.client import Client

_OCTETS: Final = {"Content-Type": "application/octet-stream"}
_COMMIT_SECONDS: Final = 900.0
"""Some registries move a blob to its place, or hash it again, before they answer."""
_TAKEN: Final = frozenset({200, 201, 202, 204})
"""The specification says 202, and not everybody does."""
_ABSENT: Final = frozenset({404, 405})


class Remote(Repository):
    """A repository. Safe between threads.

    What only reads goes to the registry's mirrors first, where it has any, and to the registry
    itself where none of them has it.
    """

    def __init__(self, client: Client, reference: Reference, *, push: bool = False) -> None:
        super().__init__(client, reference, push=push)
        self._moved: dict[str, str] = {}
        self._givers: dict[str, set[Endpoint]] = {}
        """By digest the mirrors that gave bytes of a blob."""
        self.least_chunk = 0
        """Bytes that the registry wants a chunk to have at least (``OCI-Chunk-Min-Length``)."""

    def manifest(self, reference: str | None = None) -> Document:
        """A manifest or index by tag or digest; the reference's own where none is given.

        Raises:
            NotFound: there is none.
            ContentMismatch: it isn't what the digest names, or is too large.
        """
        wanted = reference or self._own()
        name = f"manifest for {self._name(wanted)}"

        def ask(endpoint: Endpoint) -> Document:
            call = self._manifest_call(endpoint, "GET", wanted)
            answer, data = endpoint.fetch(call, MAX_DOCUMENT_BYTES + 1)
            return documents.document(
                data, answer.headers.get("Content-Type", ""), name=name,
                wanted=wanted, announced=answer.headers.get("Docker-Content-Digest", ""),
            )  # fmt: skip

        return self._read(ask)

    def head(self, reference: str | None = None) -> Descriptor | None:
        """What a tag or digest names; ``None`` where there is nothing."""
        wanted = reference or self._own()

        def ask(endpoint: Endpoint) -> Answer:
            answer = endpoint.call(self._manifest_call(endpoint, "HEAD", wanted))
            finish(answer)
            return answer

        try:
            answer = self._read(ask)
            digest = answer.headers.get("Docker-Content-Digest", "")
            size = natural(answer.headers.get("Content-Length", ""))
            if not digests.is_digest(digest) or size is None:
                found = self.manifest(wanted)
                return Descriptor(
                    media_type=found.media_type, digest=found.digest, size=len(found.data)
                )
        except NotFound:
            return None
        if digests.is_digest(wanted) and digest != wanted:
            raise ContentMismatch(
                f"{self._name(wanted)} has another digest: {digest}", reference="digest-mismatch"
            )
        documents.check_size(size, self._name(wanted))
        media_type = answer.headers.get("Content-Type", "").partition(";")[0].strip()
        return Descriptor(media_type=media_type, digest=digest, size=size)

    def put_manifest(self, reference: str, media_type: str, data: bytes) -> str:
        """Stores a manifest or index under a tag or its digest; the digest.

        Raises:
            ContentMismatch: the registry has stored something else.
        """
        own = digests.of(data)
        call = self._call(
            "PUT", f"manifests/{reference}", f"manifest for {self._name(reference)}",
            expected={200, 201, 202}, headers={"Content-Type": media_type}, body=lambda: data,
            seconds=_COMMIT_SECONDS,
        )  # fmt: skip
        self._check_stored(self._done(call), own)
        return own

    def has_blob(self, digest: str) -> bool:
        """True where the repository has it, and says so.

        Who may only send isn't told. Who may not send either learns why where he tries: what is
        answered to a ``HEAD`` has no words.
        """
        call = self._call(
            "HEAD", f"blobs/{checked(digest)}", f"blob {digest}", expected={200, *_ABSENT}
        )
        try:
            return self._done(call).status == 200
        except (Denied, Unauthorized):
            return False

    def blob_size(self, digest: str) -> int:
        """Bytes of a blob, as the registry says without giving any of them.

        Raises:
            NotFound: there is none.
            RegistryError: it doesn't say.
        """

        def ask(endpoint: Endpoint) -> Answer:
            answer = endpoint.call(Call(
                method="HEAD", target=self._target(endpoint, f"blobs/{checked(digest)}"),
                what=f"blob {digest}", scopes=self._scopes(endpoint), tries=self._tries(endpoint),
            ))  # fmt: skip
            finish(answer)
            return answer

        size = natural(self._read(ask).headers.get("Content-Length", ""))
        if size is None:
            raise RegistryError(
                f"{self.reference.registry} doesn't say how large {digest} is", hint="fetch it"
            )
        return size

    def mount_blob(self, digest: str, source: Reference) -> bool:
        """Lets the repository have what another one of the same registry has.

        False where the registry doesn't, for whatever reason: then the blob is to be sent.
        """
        if source.registry != self.reference.registry or source.path == self.reference.path:
            return False
        query = urlencode(
            {"mount": checked(digest), "from": source.path}, quote_via=quote, safe=":/"
        )
        call = self._call(
            "POST", f"blobs/uploads/?{query}", f"blob {digest}", expected={201, 202},
            headers={"Content-Length": "0"}, scopes=(f"repository:{source.path}:pull",),
        )  # fmt: skip
        try:
            answer = self._done(call)
            if answer.status == 201:
                return True
            self.cancel_upload(self._location(answer, call.target))
        except (NotFound, RegistryError):
            self._origin.transport.check()
        return False

    @contextlib.contextmanager
    def read_blob(
        self, digest: str, *, offset: int = 0, length: int | None = None
    ) -> Iterator[Readable]:
        """A blob's bytes, or a part of them. Who reads checks the digest.

        Raises:
            NotFound: there is none.
            RangeIgnored: the registry gives no parts.
            Interrupted: by ``read`` as well, where the connection breaks off.
        """

        def ask(endpoint: Endpoint) -> tuple[Answer, blob.BlobStream]:
            answer = endpoint.call(Call(
                method="GET", target=self._target(endpoint, f"blobs/{checked(digest)}"),
                what=f"blob {digest}", expected=frozenset({200, blob.PARTIAL}),
                scopes=self._scopes(endpoint), headers=blob.headers_for(offset, length),
                tries=self._tries(endpoint),
            ))  # fmt: skip
            host = endpoint.place.host
            if endpoint.place.is_mirror:
                with self._guard:
                    self._givers.setdefault(digest, set()).add(endpoint)
            try:
                size = blob.check_range(answer, offset, length, host)
            except BaseException:
                answer.close()
                raise
            return answer, blob.BlobStream(answer, endpoint.transport, host, size)

        answer, stream = self._read(ask)
        try:
            yield stream
        finally:
            finish(answer)

    def distrust(self, digest: str) -> bool:
        """Leaves out the mirrors that gave bytes of a blob, which turned out to be wrong.

        False where none did: then it is the registry itself that has something else.
        """
        with self._guard:
            givers = self._givers.pop(digest, set())
            fresh = [each for each in givers if not each.is_down]
            for each in fresh:
                each.is_down = True
        for each in fresh:
            self._warn(f"a mirror is left out: {each.place.host} gives something else as {digest}")
        return bool(givers)

    def start_upload(self) -> str:
        """Begins to send a blob; where to (a URL that only the registry understands)."""
        call = self._call(
            "POST", "blobs/uploads/", f"uploads to {self.reference.repository}", expected={202},
            headers={"Content-Length": "0"},
        )  # fmt: skip
        answer = self._done(call)
        least = natural(answer.headers.get("OCI-Chunk-Min-Length", ""))
        self.least_chunk = max(self.least_chunk, least or 0)
        return self._location(answer, call.target)

    def upload_offset(self, location: str) -> int | None:
        """How many bytes of an upload the registry has; ``None`` where it has forgotten it."""
        call = self._call("GET", self._newest(location), "an upload", expected={*_TAKEN, 404})
        answer = self._done(call)
        if answer.status == 404:
            return None
        moved = answer.headers.get("Location")
        if moved:
            self._move(location, self._location(answer, call.target))
        return received(answer.headers.get("Range", ""))

    def patch(
        self, location: str, data: Iterable[bytes] | BinaryIO, offset: int, length: int
    ) -> str:
        """Sends a part of a blob, which is read as it is sent; where the next one goes.

        Raises:
            Interrupted: it broke off; :meth:`upload_offset` says what has come through.
            NotFound: the registry has forgotten the upload.
        """
        body = Sendable(data, length, self._origin.transport.check)
        call = self._call(
            "PATCH", self._newest(location), "an upload", expected={*_TAKEN, 416},
            tries=1, body=body,
            headers={**_OCTETS, "Content-Length": str(length), **range_of(offset, length)},
        )  # fmt: skip
        answer = self._done(call)
        arrived = received(answer.headers.get("Range", ""))
        if answer.status == 416 or (arrived is not None and arrived != offset + length):
            raise Interrupted(
                f"{self.reference.registry} has another part of an upload than was sent",
                hint="try again", reference="upload-out-of-order",
            )  # fmt: skip
        with self._guard:
            self._moved.pop(location, None)
        moved = "Location" in answer.headers
        return self._location(answer, call.target) if moved else call.target

    def finish_upload(self, location: str, digest: str) -> None:
        """Makes an upload the blob that it is.

        Raises:
            ContentMismatch: the registry has stored something else.
            NotFound: the registry has forgotten the upload.
        """
        newest = self._newest(location)
        mark = "&" if urlsplit(newest).query else "?"
        call = self._call(
            "PUT", f"{newest}{mark}digest={checked(digest)}", f"blob {digest}",
            expected={200, 201, 204}, headers={"Content-Length": "0"}, seconds=_COMMIT_SECONDS,
        )  # fmt: skip
        try:
            self._check_stored(self._done(call), digest)
        except NotFound:  # perhaps the answer to the first try was lost
            if not self.has_blob(digest):
                raise
        with self._guard:
            self._moved.pop(location, None)

    def cancel_upload(self, location: str) -> None:
        """Lets the registry forget an upload; it does so by itself if it can't be told."""
        call = self._call(
            "DELETE", self._newest(location), "an upload", expected={200, 202, 204}, tries=1,
            scopes=(self._deletion(),),
        )  # fmt: skip
        with contextlib.suppress(DockyardError):
            self._done(call)

    def check(self) -> None:
        """Raises :class:`~dockyard.registry.problems.Canceled` once the client is closed."""
        self._origin.transport.check()

    def pause(self, seconds: float) -> None:
        """Waits; raises as :meth:`check` where the client is closed meanwhile."""
        self._origin.transport.pause(seconds)

    def delete(self, reference: str) -> None:
        """Removes a manifest, or only a tag where that is what the reference is.

        Raises:
            NotFound: there is none.
            NotSupported: the registry removes nothing.
        """
        call = self._call(
            "DELETE", f"manifests/{reference}", f"manifest for {self._name(reference)}",
            expected={200, 202, 204, 405}, scopes=(self._deletion(),),
        )  # fmt: skip
        if self._done(call).status == 405:
            raise NotSupported(
                f"{self.reference.registry} removes no manifests",
                hint="it may have to be told to allow it (docker-registry: storage.delete.enabled)",
            )

    def tags(self) -> list[str]:
        """The repository's tags, in the registry's order."""
        return listing.tags(self._page, self._target(self._origin, "tags/list"))

    def referrers(self, digest: str, artifact_type: str = "") -> Index:
        """What refers to a manifest as its subject: signatures, and whatever else there is."""
        target = self._target(self._origin, f"referrers/{checked(digest)}")
        found = listing.referrers(self._page, target, artifact_type)
        if found is not None:
            return found
        try:
            old = self.manifest(digest.replace(":", "-"))
        except NotFound:
            return Index(media_type=INDEX)
        return listing.of_type(decode_index(old.data), artifact_type)

    def _page(self, target: str) -> listing.Page | None:
        """One page of a list, from the registry itself; ``None`` where it has no such list."""
        endpoint = self._origin
        call = Call(
            method="GET", target=target, what=f"lists of {self.reference.repository}",
            expected=frozenset({200, 404}), scopes=self._scopes(endpoint),
        )  # fmt: skip
        answer, data = endpoint.fetch(call, MAX_DOCUMENT_BYTES + 1)
        if answer.status == 404:
            return None
        following = listing.next_of(answer.headers.get("Link", ""))
        return listing.Page(
            data, endpoint.absolute(following, self._url(target)) if following else ""
        )

    def _manifest_call(self, endpoint: Endpoint, method: str, wanted: str) -> Call:
        return Call(
            method=method, target=self._target(endpoint, f"manifests/{wanted}"),
            what=f"manifest for {self._name(wanted)}", scopes=self._scopes(endpoint),
            headers={"Accept": documents.ACCEPT}, tries=self._tries(endpoint),
        )  # fmt: skip

    def _newest(self, location: str) -> str:
        """Some registries give an upload another URL each time they are asked."""
        with self._guard:
            return self._moved.get(location, location)

    def _move(self, location: str, moved: str) -> None:
        with self._guard:
            self._moved[location] = moved
