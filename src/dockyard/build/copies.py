"""COPY and ADD from the Dockerfile to the graph: what their flags and sources mean. Pure."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from dockyard.build import graph
from dockyard.build.dockerfile import instructions as ins
from dockyard.build.dockerfile.source import invalid, redacted
from dockyard.build.named import Local
from dockyard.build.remote import address
from dockyard.build.remote.address import Git, Web
from dockyard.build.stage import StageState

_DIGESTS: Final = {"sha256": 64, "sha384": 96, "sha512": 128}


def check_copy(step: ins.Copy) -> None:
    """Refuses sources that only ADD takes."""
    for source in step.sources:
        if step.from_ is None and address.is_remote(source):
            kind = "git ref" if isinstance(address.parse(source), Git) else "URL"
            raise invalid(f"source can't be a {kind} for COPY: {redacted(source)}", "use ADD")


def operation(
    step: ins.Copy | ins.Add, sources: tuple[graph.Source, ...], state: StageState,
    *, origin: str = "",
) -> graph.Copy:  # fmt: skip
    """What the instruction does.

    ``--link`` together with ``--chmod``, or with an owner by name, builds on what is below as
    without it: the first is what BuildKit does, the second needs the users of the image.
    """
    chown, chmod = step.chown or "", step.chmod or ""
    return graph.Copy(
        sources=sources,
        files=tuple(graph.File(each.name, each.body) for each in step.contents),
        destination=state.directory(_destination(step.destination)),
        chown=chown,
        chmod=chmod,
        parents=isinstance(step, ins.Copy) and step.parents,
        exclude=step.exclude,
        link=step.link and not chmod and not _by_name(chown),
        origin=origin,
    )


def sources_of_add(step: ins.Add) -> list[graph.Source | Git | Web]:
    """The sources of an ADD: of the context, of the web, of a repository.

    Raises:
        BuildError: a flag contradicts them.
    """
    found: list[graph.Source | Git | Web] = []
    for source in step.sources:
        if not address.is_remote(source):
            found.append(graph.Source(source, unpack=step.unpack is not False))
            continue
        found.append(_with_flags(address.parse(source), step))
    if step.checksum is not None:
        if len(step.sources) + len(step.contents) > 1:
            raise invalid(
                "checksum can't be specified for multiple sources",
                hint="write an ADD for each of them",
            )
        if not found or isinstance(found[0], graph.Source):
            raise invalid(
                "checksum requires HTTP(S) or Git sources",
                hint="leave --checksum out: local files need none",
            )
    return found


def fetched(source: Git | Web, number: int, *, unpack: bool) -> graph.Source:
    """What to copy of a source that is the input ``number``."""
    if isinstance(source, Git):
        return graph.Source("/", number)
    return graph.Source(f"/{_literal(source.name)}", number, unpack=unpack)


def whole(context: Local | Git | Web, name: str) -> graph.Copy:
    """What makes a filesystem of a named context; one of the web is an archive."""
    if isinstance(context, Local):
        return graph.Copy(sources=(graph.Source("/"),), destination="/", origin=name)
    return graph.Copy(sources=(fetched(context, 1, unpack=True),), destination="/")


def shown_address(source: Git | Web) -> str:
    """An address for people: no password in it."""
    return redacted(source.remote if isinstance(source, Git) else source.url)


def shown(step: ins.Instruction) -> str:
    """An instruction in one line for people and for the history."""
    line = " ".join(step.text.split())
    return redacted(line) if isinstance(step, ins.Copy | ins.Add) else line


def _with_flags(source: Git | Web, step: ins.Add) -> Git | Web:
    checksum = step.checksum or ""
    if isinstance(source, Web):
        return replace(source, checksum=_checked(checksum))
    if checksum and source.commit and checksum != source.commit:
        raise invalid(
            f"checksum mismatch: {checksum} and {source.commit} in the address",
            hint="leave one of the two out, or make them agree",
        )
    if step.keep_git_dir is not None:
        source = replace(source, keep_git_dir=step.keep_git_dir)
    return replace(source, commit=checksum.lower()) if checksum else source


def _checked(checksum: str) -> str:
    algorithm, _, digits = checksum.partition(":")
    if not checksum:
        return ""
    hexadecimal = digits and not digits.strip("0123456789abcdef")
    if _DIGESTS.get(algorithm) != len(digits) or not hexadecimal:
        raise invalid(
            f"invalid checksum: {checksum}", "write sha256: and the 64 digits that sha256sum prints"
        )
    return checksum


def _literal(name: str) -> str:
    """A file's name as a pattern that fits nothing else."""
    if not set(name) & set("*?["):
        return name
    return "".join(f"\\{each}" if each in "*?[\\" else each for each in name)


def _by_name(chown: str) -> bool:
    """True where ``--chown`` needs the image's users or groups to be understood."""
    return any(part and not part.isdecimal() for part in chown.split(":"))


def _destination(text: str) -> str:
    """``.`` and ``dir/.`` mean a directory."""
    if text in {".", ".."} or text.endswith(("/.", "/..")):
        return text + "/"
    return text
