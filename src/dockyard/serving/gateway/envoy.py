"""Envoy's program: where it is, how it is started, and what it says of a configuration."""

from __future__ import annotations

import importlib.util
import os
import re
import tempfile

import msgspec

from dockyard import decoding
from dockyard.errors import ComponentFailed, ComponentMissing
from dockyard.serving.gateway.documents import Json, parse
from dockyard.serving.gateway.model import Files, Settings
from dockyard.system import process

_VALIDATION_SECONDS = 15.0
_NOTHING = "it doesn't say why"
_MOST_LETTERS = 300
_FLUSH_MILLISECONDS = 200
"""Of the access log: a rollout's verdict reads it."""

_VERSION = re.compile(r" version: \w+/([\d.]+)/")
_CONSTRAINT = re.compile(r"Proto constraint validation failed \(([^\n]*)\)\s*(?:\n|$)")
_WITHOUT_DOCUMENT = re.compile(r": \{|goo\.gle/debug")


def find() -> str:
    """The absolute path of Envoy, from its wheel.

    Raises:
        ComponentMissing: it isn't installed.
    """
    found = importlib.util.find_spec("envoy")
    for directory in (found.submodule_search_locations or ()) if found is not None else ():
        path = f"{directory}/_bin/envoy"
        if os.access(path, os.X_OK):
            return path
    raise ComponentMissing(
        "envoy is not installed, the gateway of services",
        hint="pip install 'dockyard[serve]'",
    )


def version() -> str:
    """Its version, such as ``1.40.0``; ``unknown`` where it doesn't say one.

    Raises:
        ComponentMissing: it isn't installed.
        ComponentFailed: it can't run here.
    """
    done = process.run([find(), "--version"], timeout=_VALIDATION_SECONDS)
    found = _VERSION.search(done.text)
    return found[1] if found else "unknown"


def argv(bootstrap: str, *, threads: int) -> tuple[str, ...]:
    """How Envoy is started: in the foreground, with its log on standard error.

    Args:
        bootstrap: path of its first document, from :func:`.files.prepare`.
        threads: that serve requests.
    """
    return (
        find(), "--config-path", bootstrap, "--concurrency", str(threads),
        "--disable-hot-restart", "--log-level", "warning",
        "--component-log-level", "misc:error",  # it says of what is in use that it is new
        "--log-format", "%Y-%m-%dT%T.%e %l %n %v",
        "--file-flush-interval-msec", str(_FLUSH_MILLISECONDS), "--drain-time-s", "30",
    )  # fmt: skip


def validate(files: Files, settings: Settings) -> str:
    """What Envoy says against documents, in its own words; nothing where it would take them.

    Raises:
        ComponentMissing: it isn't installed.
        ComponentFailed: it doesn't come to an end by itself.
    """
    descriptor, path = tempfile.mkstemp(suffix=".json", dir=settings.directory)  # it has keys
    try:
        with open(descriptor, "wb") as stream:
            stream.write(msgspec.json.encode(static(files, settings)))
        command = [find(), "--mode", "validate", "--log-level", "critical", "--config-path", path,
                   "--disable-hot-restart"]  # fmt: skip
        done = process.run(command, timeout=_VALIDATION_SECONDS, check=False)
    finally:
        os.unlink(path)
    if done.code < 0:
        raise ComponentFailed(
            f"envoy was killed by signal {-done.code} while it looked at a configuration",
            hint="perhaps for want of memory; it is tried again",
        )
    return "" if done.code == 0 else last_words(done.stderr.decode(errors="replace"))


def static(files: Files, settings: Settings) -> Json:
    """The documents as one, with nothing to be loaded later."""
    tables = {name: _plain(content)[0] for name, content in files.routes.items()}
    return {
        "node": {"id": "dockyard", "cluster": "dockyard"},
        "admin": {"address": {"pipe": {"path": settings.admin, "mode": 0o600}}},
        "static_resources": {
            "clusters": _plain(files.clusters),
            "listeners": [_inlined(one, tables) for one in _plain(files.listeners)],
        },
    }


def last_words(output: str) -> str:
    """Why a start failed, out of what Envoy printed: never what it prints of a document, which may
    have keys in it."""
    broken = _CONSTRAINT.search(output)
    if broken:
        return broken[1].rpartition(" caused by ")[2]
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    for line in lines:
        _, _, words = line.partition("error initializing configuration '")
        if words:
            return _WITHOUT_DOCUMENT.split(words.partition("': ")[2])[0].strip() or _NOTHING
    return lines[-1][:_MOST_LETTERS] if lines else _NOTHING


def _plain(content: bytes) -> list[Json]:
    return [
        {name: value for name, value in one.items() if name != "@type"}
        for one in parse(content).resources
    ]


def _inlined(value: Json, tables: dict[str, Json]) -> Json:
    """A listener with its route tables in place of where they would be read from."""
    encoded = msgspec.json.encode(value)
    return _without_rds(decoding.from_json(encoded, dict[str, object]), tables)


def _without_rds(value: dict[str, object], tables: dict[str, Json]) -> Json:
    answer: Json = {}
    for name, inner in value.items():
        if name == "rds" and isinstance(inner, dict):
            answer["route_config"] = tables[inner["route_config_name"]]
        elif isinstance(inner, dict):
            answer[name] = _without_rds(inner, tables)
        elif isinstance(inner, list):
            answer[name] = [
                _without_rds(one, tables) if isinstance(one, dict) else one for one in inner
            ]
        else:
            answer[name] = inner
    return answer
