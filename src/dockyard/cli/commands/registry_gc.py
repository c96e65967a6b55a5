"""``dockyard registry gc``: removes what nothing needs, whether the server runs or not."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from dockyard.cli import listing, registry_access
from dockyard.cli.command import define
from dockyard.cli.line import option
from dockyard.cli.render import print_note, print_warning
from dockyard.cli.units import decimal_size

if TYPE_CHECKING:
    from dockyard.registry.access.audit import Event
    from dockyard.registry.server.collect import Collected
    from dockyard.registry.server.scrub import Scrubbed


@define("registry gc")
@option("--dry-run", is_flag=True, help="Show what would be removed, and remove nothing")
@option("--format", "form", metavar="string",
        help='Format output: "json", or a Go template')  # fmt: skip
@option("--grace", metavar="duration",
        help="How old unused content must be, instead of what registry.toml says")  # fmt: skip
@registry_access.root
@option("--verify", is_flag=True,
        help="Read all content and take out what is damaged, instead of collecting")  # fmt: skip
def command(
    *, dry_run: bool, form: str | None, grace: str | None, root: str | None, verify: bool
) -> int:
    """Prints what went; the exit code is 1 where content was damaged."""
    from dockyard.cli.registry_root import opened

    with opened(root) as (database, content):
        if verify:
            from dockyard.registry.server.blobs import Blobs
            from dockyard.registry.server.scrub import scrub

            scrubbed = scrub(database, content, Blobs(database, content), repair=not dry_run)
            _put_scrubbed(scrubbed, form)
            return 1 if scrubbed.damaged or scrubbed.missing else 0
        from dockyard.registry.server.collect import Collector
        from dockyard.registry.server.settings import RulesFile, read_seconds

        with _audited(content.root) as note:
            collector = Collector(
                database, content, RulesFile(content.root).rules, dry_run=dry_run, note=note,
                grace=None if grace is None else read_seconds(grace, "--grace"),
            )  # fmt: skip
            _put_collected(collector.run(), form, dry_run=dry_run)
        return 0


@contextlib.contextmanager
def _audited(root: str) -> Iterator[Callable[[Event], None]]:
    """Writes into a registry's audit log what goes, and who of the host has called for it."""
    import msgspec

    from dockyard.registry.access.audit import AuditLog
    from dockyard.registry.access.manage import host_user

    log, words = AuditLog(root, warn=print_warning), f"by {host_user()}"
    try:
        yield lambda event: log.write(msgspec.structs.replace(event, detail=words))
    finally:
        log.close()


def _put_collected(found: Collected, form: str | None, *, dry_run: bool) -> None:
    if form:
        listing.put(listing.object_text({
            "Tags": found.tags, "Manifests": found.manifests, "Links": found.links,
            "Blobs": found.blobs, "Uploads": found.uploads, "Bytes": found.bytes,
        }, form))  # fmt: skip
        return
    deleted = "Would delete" if dry_run else "Deleted"
    for title, names in (
        ("Tags", found.tags), ("Manifests", found.manifests), ("Blobs", found.blobs)
    ):  # fmt: skip
        if names:
            listing.put(f"{deleted} {title}:\n" + "".join(f"{name}\n" for name in names) + "\n")
    if found.uploads:
        listing.put(f"{deleted} Uploads: {found.uploads}\n")
    total = "Space to reclaim" if dry_run else "Total reclaimed space"
    listing.put(f"{total}: {decimal_size(found.bytes)}\n")


def _put_scrubbed(found: Scrubbed, form: str | None) -> None:
    if form:
        listing.put(listing.object_text({
            "Blobs": found.blobs, "Bytes": found.bytes,
            "Damaged": found.damaged, "Missing": found.missing, "Affected": found.affected,
        }, form))  # fmt: skip
        return
    for word, digests in (("damaged", found.damaged), ("missing", found.missing)):
        for one in digests:
            listing.put(f"{word}: {one}\n")
            listing.put("".join(f"  needed by {name}\n" for name in found.affected[one]))
    if found.damaged or found.missing:
        print_note("Push any image that has it, to any repository: then all are whole again.")
    listing.put(f"Verified {found.blobs} blobs, {decimal_size(found.bytes)}\n")
