"""Files laid over each other, each read in the surroundings of its project."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from dockyard.compose.load.canonical import canonical
from dockyard.compose.load.check import check
from dockyard.compose.load.context import Context, Source, source
from dockyard.compose.load.defaults import with_defaults
from dockyard.compose.load.documents import Document
from dockyard.compose.load.extends import Layer, with_extended
from dockyard.compose.load.include import with_included
from dockyard.compose.load.interpolate import interpolated
from dockyard.compose.load.merge import merged
from dockyard.compose.load.named import with_named_values
from dockyard.compose.load.paths import resolved
from dockyard.compose.load.placed import Placed
from dockyard.compose.load.reset import without
from dockyard.compose.load.unicity import unique
from dockyard.compose.load.validate import validate

_NOTHING = Placed({})


def project(sources: Iterable[Source], context: Context) -> Placed:
    """What the files of a project, or of an included one, say together: checked, not normalised.

    Raises:
        InvalidInput, NotFound, NotSupported: a file is wrong, or one that it names.
    """
    whole = _NOTHING
    for each in sources:
        whole = _laid(each, whole, context)
    tree = with_defaults(whole.tree)
    validate(tree, whole.places)
    if context.resolve:
        tree = resolved(tree, context.based(context.base), whole.places)
    if context.interpolate:
        tree = with_named_values(tree, context.environment)
    return Placed(tree, whole.places)


def _laid(file: Source, whole: Placed, context: Context) -> Placed:
    """A file over those before it."""
    included = context.included
    for document in file.documents:
        own = _read(document, context)
        layer = Layer(file.path, own, document.resets)
        own = with_extended(layer, context, lambda path: _apart(path, context))
        included = (*included, file.path) if file.path not in included else included
        within = msgspec.structs.replace(context, included=included)
        own = with_included(own, within, _included)
        base = Placed(without(whole.tree, document.resets), whole.places)
        whole = unique(merged(base, own))
        check(whole.tree, whole.places)
        whole = _without_version(whole, file.path, context)
        whole = _canonical(whole, context)
    return whole


def _apart(path: str, context: Context) -> Layer:
    """A file as others extend its services: by itself, neither complete nor checked."""
    file = source(path)
    whole = _NOTHING
    for document in file.documents:
        base = Placed(without(whole.tree, document.resets), whole.places)
        whole = unique(merged(base, _read(document, context)))
        whole = _canonical(whole, context)
    return Layer(path, whole, file.documents[-1].resets if file.documents else ())


def _included(files: tuple[str, ...], context: Context) -> Placed:
    return project(map(source, files), context)


def _read(document: Document, context: Context) -> Placed:
    tree = document.tree
    if context.interpolate:
        tree = interpolated(tree, document.places, context.environment.get, context.warn)
    return Placed(tree, document.places)


def _canonical(whole: Placed, context: Context) -> Placed:
    tree = canonical(whole.tree, whole.places, raw=not context.interpolate)
    return unique(Placed(tree, whole.places))


def _without_version(whole: Placed, file: str, context: Context) -> Placed:
    if "version" not in whole.tree:
        return whole
    context.warn(
        f"{file}: the attribute `version` is obsolete, it will be ignored, "
        "please remove it to avoid potential confusion"
    )
    own = {key: value for key, value in whole.tree.items() if key != "version"}
    return Placed(own, whole.places)
