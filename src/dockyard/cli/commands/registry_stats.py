"""``dockyard registry stats``: what the registry holds, by repository."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockyard.cli import listing, options, registry_access
from dockyard.cli.command import define
from dockyard.cli.units import binary_size, decimal_size

if TYPE_CHECKING:
    from dockyard.registry.server.summary import Repository, Summary, Used

TITLES = {
    "Repository": "REPOSITORY", "Tags": "TAGS", "Manifests": "MANIFESTS", "Blobs": "BLOBS",
    "Size": "SIZE", "Bytes": "BYTES", "Quota": "QUOTA",
}  # fmt: skip
COLUMNS = ("Repository", "Tags", "Manifests", "Blobs", "Size")


@define("registry stats")
@options.format_option
@registry_access.root
def command(*, form: str | None, root: str | None) -> None:
    """A line a repository, and a table's last lines with what they have together."""
    from dockyard.cli.registry_root import opened
    from dockyard.registry.server.settings import RulesFile
    from dockyard.registry.server.summary import quotas, repositories, summary

    with opened(root) as (database, content):
        rules = RulesFile(content.root).rules
        used = quotas(database, rules)
        rows = [_row(one, [each for each in used if each.quota in rules.quotas_of(one.name)])
                for one in repositories(database)]  # fmt: skip
        total = summary(database, content)
    columns = (*COLUMNS, "Quota") if used else COLUMNS
    listing.put(listing.list_text(rows, TITLES, columns, form, listing.terminal_width()))
    if not form or form == "table":
        listing.put(_together(total))


def _row(one: Repository, quotas: list[Used]) -> dict[str, str]:
    return {
        "Repository": one.name, "Tags": str(one.tags), "Manifests": str(one.manifests),
        "Blobs": str(one.blobs), "Size": decimal_size(one.size), "Bytes": str(one.size),
        "Quota": "; ".join(map(_quota, quotas)),
    }  # fmt: skip


def _quota(one: Used) -> str:
    """It is for all repositories of its pattern together, which is why that is said."""
    whole = binary_size(one.quota.bytes)  # in powers of 1024, as it was laid down
    return f"{binary_size(one.bytes)} / {whole} ({one.quota.repositories})"


def _together(total: Summary) -> str:
    sharing = f", {decimal_size(total.shared)} spared by sharing" if total.shared else ""
    uploads = (f"Uploads:  {total.uploads}, {decimal_size(total.upload_size)}\n"
               if total.uploads else "")  # fmt: skip
    return f"\nTotal:  {total.blobs} blobs, {decimal_size(total.size)}{sharing}\n{uploads}"
