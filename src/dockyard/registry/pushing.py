"""Pushing from this root: which image a name means, what it is made of, and what is remembered."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from dockyard.errors import InvalidInput, NotFound, NotSupported
from dockyard.images import platforms
from dockyard.images.content import ContentStore
from dockyard.images.distribution import Distribution, Kept
from dockyard.images.model import Image
from dockyard.images.store import ImageStore
from dockyard.images.workplace import workplace
from dockyard.observability import events
from dockyard.observability.transfers import Listener
from dockyard.oci import image as oci
from dockyard.oci.image import Descriptor
from dockyard.oci.reference import Reference
from dockyard.registry import hub
from dockyard.registry.client import Client
from dockyard.registry.compress import Compression, Compressor
from dockyard.registry.crew import Crew
from dockyard.registry.ledger import Ledger
from dockyard.registry.model import Document
from dockyard.registry.push import COURIERS, PRODUCERS, SPOOLED, Blob, Push, Source
from dockyard.registry.spool import Workshop, opener
from dockyard.state.database import Database
from dockyard.state.paths import Paths


class Pushed(msgspec.Struct, frozen=True):
    """What a registry has now: an image's name there, its manifest's digest and size in bytes."""

    name: Reference
    digest: str
    size: int


def push(
    paths: Paths, database: Database, store: ImageStore, client: Client, name: str, *,
    compression: Compression, platform: str | None = None, listener: Listener | None = None,
) -> Pushed:  # fmt: skip
    """Sends the image of a name; see :meth:`dockyard.shipping.Shipper.push`."""
    reference = Reference.parse(name)
    image = _named(store, reference)
    platforms.require(image.config, reference.familiar, platform)
    with hub.explained(client, reference, "dockyard tag"):
        return _push(paths, database, store, client, image, reference,
                     compression=compression, listener=listener)  # fmt: skip


def _push(
    paths: Paths, database: Database, store: ImageStore, client: Client, image: Image,
    reference: Reference, *, compression: Compression, listener: Listener | None,
) -> Pushed:  # fmt: skip
    ledger = Ledger(paths, database)
    ledger.tidy()
    content = ContentStore(paths, database)
    known = Distribution(database, content)
    original = _original(known, image, reference)
    remote = client.remote(reference, push=True)
    with (
        store.held([image]),
        workplace(paths, database, "push") as (_, directory),
        Compressor(compression) as compressor,
        Crew(client.close, couriers=COURIERS, producers=PRODUCERS) as crew,
    ):
        workshop = Workshop(directory, compressor, most=SPOOLED, check=remote.check)
        manifest = Push(
            remote, _source(store, image, known, content, original), workshop=workshop,
            compression=compression, known=known, ledger=ledger, crew=crew, listener=listener,
        ).run()  # fmt: skip
        _require(manifest, reference)
        digest = remote.put_manifest(
            reference.digest or reference.tag or "", manifest.media_type, manifest.data
        )
    _record(database, known, image, reference, manifest)
    return Pushed(reference, digest, len(manifest.data))


def _record(
    database: Database, known: Distribution, image: Image, reference: Reference, manifest: Document
) -> None:
    """Remembers what the registry has now."""
    document = oci.decode_manifest(manifest.data)
    blobs = [document.config.digest, *(layer.digest for layer in document.layers)]
    known.add_places(dict.fromkeys(blobs), reference.repository)
    known.add_document(image.id, Kept(manifest.digest, manifest.media_type, manifest.data))
    known.add_digest(reference.repository, manifest.digest, image.id)
    events.record(
        database, "image", "push", reference.familiar, {"name": reference.familiar_repository}
    )


def tags_of(store: ImageStore, repository: str) -> tuple[str, ...]:
    """The names of all tags that a repository has here.

    Raises:
        NotFound: there is none.
        InvalidInput: it is the name of a tag.
    """
    if ":" in repository.rpartition("/")[2] or "@" in repository:
        raise InvalidInput("tag can't be used with --all-tags/-a", hint="name the repository alone")
    wanted = Reference.parse(repository)
    names = (Reference.parse(name) for image in store.list() for name in image.names)
    found = sorted(one.familiar for one in names if one.repository == wanted.repository)
    if not found:
        raise NotFound(
            f"An image does not exist locally with the tag: {wanted.familiar_repository}",
            hint="dockyard images lists the names there are; dockyard tag gives one",
            reference="no-such-image",
        )
    return tuple(found)


def _named(store: ImageStore, reference: Reference) -> Image:
    """The image that has exactly that name: what stands in for it here is no other's to have."""
    wanted = reference if reference.digest is None else msgspec.structs.replace(reference, tag=None)
    try:
        resolution = store.resolve(str(wanted))
    except NotFound:
        resolution = None
    if resolution is None or resolution.reference != wanted:
        tag = msgspec.structs.replace(reference, digest=None).familiar
        raise NotFound(
            f"An image does not exist locally with the tag: {reference.familiar_repository}",
            hint=f"give it the name first: dockyard tag IMAGE {tag}",
            reference="no-such-image",
        )
    return resolution.image


def _original(known: Distribution, image: Image, reference: Reference) -> Kept | None:
    """The manifest that is to be sent again: the one of that digest, or one that was pulled.

    Raises:
        NotSupported: the digest is that of an index.
    """
    if reference.digest is None:
        return known.pulled_manifest(image.id)
    for each in known.manifests(image.id):
        if each.digest == reference.digest:
            return each
    raise NotSupported(
        f"{reference.familiar} names an index, of which one image alone is here",
        hint="push a tag; an index goes from registry to registry by dockyard copy --all",
    )


def _require(manifest: Document, reference: Reference) -> None:
    """Sees to it that a name by digest gets what has that digest.

    Raises:
        NotSupported: it can't be made again.
    """
    if reference.digest not in {None, manifest.digest}:
        raise NotSupported(
            f"the manifest {reference.digest} can't be made here again",
            hint="its layers were compressed in another way; push it by a tag, which gives it"
            " another digest",
        )


def _source(
    store: ImageStore, image: Image, known: Distribution, content: ContentStore,
    original: Kept | None,
) -> Source:  # fmt: skip
    promised = () if original is None else oci.decode_manifest(original.data).layers
    return Source(
        image=image,
        directories=store.directories(image),
        blobs=tuple(map(store.blob_of, image.layers)),
        kept=_kept(image, known, content, promised),
        promised={
            layer.diff_id: blob for layer, blob in zip(image.layers, promised, strict=False)
        },
        original=None if original is None else Document(
            original.media_type, original.digest, original.data
        ),
    )  # fmt: skip


def _kept(
    image: Image, known: Distribution, content: ContentStore, promised: Sequence[Descriptor]
) -> dict[str, Blob]:
    """The blobs with which layers were pulled, those of the image's own manifest first."""
    own = {layer.digest for layer in promised}
    found = {}
    for layer in image.layers:
        forms = list(known.kept_forms(layer.id))
        forms.sort(key=lambda form: (form.digest not in own, form.digest))
        if forms:
            descriptor = Descriptor(
                media_type=forms[0].media_type, digest=forms[0].digest, size=forms[0].size
            )
            found[layer.diff_id] = Blob(descriptor, opener(content.path(forms[0].digest)))
    return found


def chosen(compression: Compression | str | None, level: int | None) -> Compression:
    """What to compress with.

    Raises:
        InvalidInput: there is no such compression.
    """
    if isinstance(compression, Compression):
        return compression
    return Compression.chosen(compression, level)
