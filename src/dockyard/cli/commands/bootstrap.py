"""``bootstrap``."""

from __future__ import annotations

from dockyard.cli import listing, options, render
from dockyard.cli.command import canceled, define, open_engine
from dockyard.cli.line import UsageProblem, argument, option
from dockyard.oci.reference import Reference

_TITLES = {"Name": "NAME", "Version": "VERSION", "From": "FROM"}


@define("bootstrap", "[OPTIONS] [BASE...]")
@option("-f", "--force", is_flag=True,
        help="Make it anew, with today's packages, though it is there")  # fmt: skip
@options.format_option
@option("--list", "listed", is_flag=True, help="List what can be made, and make nothing")
@option("--mirror", metavar="string",
        help="Debian mirror to fetch from, and to leave in the image")  # fmt: skip
@option("-q", "--quiet", is_flag=True, help="Print nothing but the names of the images")
@argument("bases", required=False, many=True)
def command(
    bases: tuple[str, ...], *, force: bool, form: str | None, listed: bool, mirror: str | None,
    quiet: bool,
) -> int:  # fmt: skip
    """Makes base images and images of services, and prints their names."""
    if listed != (not bases):
        raise UsageProblem(
            "--list takes no names"
            if listed
            else "'dockyard bootstrap' requires at least 1 argument",
            hint="such as redis:7; dockyard bootstrap --list shows what can be made",
        )
    if listed:
        _list(form, quiet=quiet)
        return 0
    if form is not None:
        raise UsageProblem("--format goes with --list", hint="leave it out: names are printed")
    return _make(bases, force=force, mirror=mirror, quiet=quiet)


def _list(form: str | None, *, quiet: bool) -> None:
    from dockyard.images.stock import catalog

    rows = [
        {"Name": base.name, "Version": base.series, "From": base.suite}
        for base in catalog.everything()
    ]
    if quiet and form is None:
        listing.put("".join(f"{row['Name']}\n" for row in rows))
        return
    listing.put(listing.list_text(rows, _TITLES, tuple(_TITLES), form, listing.terminal_width()))


def _make(bases: tuple[str, ...], *, force: bool, mirror: str | None, quiet: bool) -> int:
    with open_engine() as engine:

        def make(base: str) -> str:
            progress = _silent if quiet else render.print_note
            image = engine.bootstrap(base, mirror=mirror, force=force, progress=progress)
            return Reference.parse(image.names[0]).familiar if image.names else image.id

        try:
            return options.for_each(bases, make)
        except KeyboardInterrupt as error:
            raise canceled("bootstrap") from error


def _silent(_sentence: str) -> None:
    """Takes the progress that nobody wants to see."""
