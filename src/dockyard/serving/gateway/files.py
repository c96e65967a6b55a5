"""Envoy's documents on disk: written by rename, only what changed, in an order that loses nothing.

Envoy loads a file when another takes its name, so the temporary ones are in a directory beside.
New clusters come before the routes to them, and a cluster goes after the last route to it.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Callable, Iterator

from dockyard.errors import ComponentFailed
from dockyard.serving.gateway import clusters, config, listeners
from dockyard.serving.gateway.documents import document, parse
from dockyard.serving.gateway.model import Files, Settings
from dockyard.serving.model import Tls
from dockyard.system import files as disk

_ROUTES = "routes-"
_FINGERPRINT = 16
Settle = Callable[[Files], str]
"""Waits until Envoy has loaded documents; what it says against them, or nothing."""


def prepare(settings: Settings) -> str:
    """Makes what Envoy needs to start; the path of its bootstrap document."""
    for name in ("live", "new"):
        os.makedirs(f"{settings.directory}/{name}", mode=0o700, exist_ok=True)
    present = read(settings)
    for path, content in _documents(settings, present):
        if not os.path.exists(path):
            disk.write_atomically(path, content, durable=False)
    path = f"{settings.directory}/bootstrap.json"
    disk.write_atomically(path, config.bootstrap(settings), durable=False)
    return path


def read(settings: Settings) -> Files:
    """The documents as they are on disk; without resources where there are none."""
    live = f"{settings.directory}/live"
    names: list[str] = []
    with contextlib.suppress(FileNotFoundError):
        names = sorted(os.listdir(live))
    return Files(
        clusters=_content(f"{live}/clusters.json") or document(clusters.KIND, ()),
        listeners=_content(f"{live}/listeners.json") or document(listeners.KIND, ()),
        routes={
            name.removeprefix(_ROUTES).removesuffix(".json"): _content(f"{live}/{name}")
            for name in names
            if name.startswith(_ROUTES)
        },
    )


def publish(settings: Settings, wanted: Files, settle: Settle | None = None) -> bool:
    """Brings documents to disk, stage by stage; ``False`` where all were there already.

    Args:
        settle: called after each stage, while Envoy runs.

    Raises:
        ComponentFailed: Envoy refuses them; those that it had before are back on disk.
    """
    before = read(settings)
    current = before
    for stage in stages(before, wanted):
        if not _write(settings, current, stage):
            continue
        complaint = settle(stage) if settle is not None else ""
        if complaint:
            _write(settings, stage, before)
            raise ComponentFailed(
                f"the gateway refuses its configuration: {complaint}",
                hint="what it served before goes on; dockyard explain shows more",
            )
        current = stage
    _remove_others(settings, wanted)
    return current != before


def retry_listeners(settings: Settings) -> None:
    """Has Envoy try again to listen, where a port was taken before."""
    path = f"{settings.directory}/live/listeners.json"
    _replace(settings, path, _content(path) or document(listeners.KIND, ()))


def fingerprint(tls: Tls | None) -> str:
    """Tells a certificate from the one that has its place later; empty where there is none."""
    if tls is None:
        return ""
    content = b"\0".join(_content(path) for path in (tls.cert, tls.key))
    return hashlib.sha256(content).hexdigest()[:_FINGERPRINT]


def stages(present: Files, wanted: Files) -> tuple[Files, ...]:
    """What is to be on disk, one after the other."""
    ahead = Files(
        clusters=_united(present.clusters, wanted.clusters),
        listeners=present.listeners,
        routes=present.routes,
    )
    both = present.routes | wanted.routes
    routed = Files(clusters=ahead.clusters, listeners=ahead.listeners, routes=both)
    listening = Files(clusters=ahead.clusters, listeners=wanted.listeners, routes=both)
    done = Files(clusters=wanted.clusters, listeners=wanted.listeners, routes=both)
    return (ahead, routed, listening, done)


def _united(present: bytes, wanted: bytes) -> bytes:
    """The wanted clusters, and those that are still there."""
    new = parse(wanted).resources
    names = {one.get("name") for one in new}
    old = [one for one in parse(present).resources if one.get("name") not in names]
    if not old:
        return wanted
    return document(clusters.KIND, [_untyped(one) for one in (*new, *old)])


def _untyped(resource: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in resource.items() if name != "@type"}


def _documents(settings: Settings, files: Files) -> Iterator[tuple[str, bytes]]:
    live = f"{settings.directory}/live"
    yield f"{live}/clusters.json", files.clusters
    for name, content in files.routes.items():
        yield listeners.routes_path(settings, name), content
    yield f"{live}/listeners.json", files.listeners


def _write(settings: Settings, current: Files, stage: Files) -> bool:
    there = dict(_documents(settings, current))
    changed = [
        (path, content)
        for path, content in _documents(settings, stage)
        if there.get(path) != content or not os.path.exists(path)
    ]
    for path, content in changed:
        _replace(settings, path, content)
    return bool(changed)


def _replace(settings: Settings, path: str, content: bytes) -> None:
    temporary = f"{settings.directory}/new/{os.path.basename(path)}.{os.getpid()}"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with open(descriptor, "wb") as stream:
        stream.write(content)
    os.rename(temporary, path)


def _remove_others(settings: Settings, wanted: Files) -> None:
    for name in read(settings).routes.keys() - wanted.routes.keys():
        with contextlib.suppress(FileNotFoundError):
            os.unlink(listeners.routes_path(settings, name))


def _content(path: str) -> bytes:
    with contextlib.suppress(OSError), open(path, "rb") as stream:
        return stream.read()
    return b""
