"""Strategies for Compose files, made from the description of what may be written in them."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from hypothesis import strategies as st

from dockyard.compose.load.schema.kinds import (
    Anything,
    Either,
    Held,
    Kind,
    Listed,
    Mapped,
    Number,
    Text,
    Truth,
)
from dockyard.compose.load.schema.project import PROJECT

Draw = Callable[[st.SearchStrategy[Any]], Any]

NAMES: Final = ("one", "two", "three")
"""Of services, networks, volumes, … so that they often refer to each other."""

_DURATIONS: Final = ("1s", "1m30s", "0s", "1.5h", "500ms", "2d", "1w2d", "-1s", "1us")
_SIZES: Final = ("1g", "64m", "100", "1.5kb", "2 MiB", "1tb", "0")
_TRUTHS: Final = ("true", "no", "on", "FALSE")
_NUMBERS: Final = ("2", "0", "10")
_WORDS: Final = (
    "a", "b", "", "3", "1.5", "true", "x=y", "${FOO}", "${NONE:-d}", "$$x", "a:b", "é<&>",
    "two words", "/abs", "./rel", "~/home", "null", "a\nb",
)  # fmt: skip
_LIKELY: Final[Mapping[str, tuple[str, ...]]] = {
    **dict.fromkeys(("interval", "timeout", "start_period", "start_interval"), _DURATIONS),
    **dict.fromkeys(("delay", "monitor", "window", "stop_grace_period"), _DURATIONS),
    **dict.fromkeys(("mem_limit", "mem_reservation", "memswap_limit", "shm_size"), _SIZES),
    **dict.fromkeys(("memory", "size", "rate", "mem_swappiness"), _SIZES),
    **dict.fromkeys(("networks", "models"), NAMES),
    **dict.fromkeys(("secrets", "configs", "source"), NAMES),
    **dict.fromkeys(("cpus", "cpu_percent", "max_failure_ratio"), ("0.5", "2", "1e1")),
    **dict.fromkeys(("path", "context"), ("./a", "/b", "~/c", "d", "https://x/y")),
    **dict.fromkeys(("annotations", "labels", "sysctls", "options", "args"), ("a=b", "c", "d=")),
    "additional_contexts": ("a=./a", "b=https://x", "c=docker-image://x"),
    "command": ("echo hi", "sh -c 'a b'", "", "x $$Y | z", 'a "b c"', "a\\ b"),
    "container_name": ("own", "a-b.c"),
    "count": ("all", "2"),
    "devices": ("/dev/a", "/dev/b:/dev/c", "/dev/d:/dev/e:r"),
    "dns": ("8.8.8.8", ""),
    "entrypoint": ("/x", "", "a 'b c'"),
    "environment": ("A=b", "FOO", "NONE", "E="),
    "expose": ("80", "80-81/udp"),
    "external": ("true", "no"),
    "extra_hosts": ("a=1.2.3.4", "b:5.6.7.8", "c=[::1]", "d=1.1.1.1,2.2.2.2"),
    "group_add": ("mail", "5"),
    "host_ip": ("127.0.0.1", "::1"),
    "image": ("nginx", "r/a:b", "${FOO}:1"),
    "ipc": ("host", "shareable"),
    "mode": ("0440", "777", "ingress", "host"),
    "name": ("own", "${FOO}-x"),
    "pid": ("host",),
    "platform": ("linux/amd64",),
    "platforms": ("linux/amd64", "linux/arm64"),
    "ports": (
        "80", "8080:80", "8000-8002:80-82", "127.0.0.1:80:80/udp", "[::1]:53:53", "9-11",
        "1.2.3.4::5", "8000-8010:80", "81/tcp",
    ),
    "profiles": ("p", "q"),
    "published": ("80", "8000-8010", ""),
    "pull_policy": ("always", "if_not_present", "every_12h"),
    "ssh": ("default",),
    "subnet": ("10.0.0.0/8",),
    "target": ("/t", "/t/", "/u"),
    "test": ("curl x", "CMD", "CMD-SHELL", "NONE"),
    "tmpfs": ("/run", "/v:size=1"),
    "volumes": (
        "/data", "one:/d", "./x:/x:ro", "two:/y:nocopy", "~/h:/h:z,rslave", "/a", "C:\\x:/w",
        "three:/e//f/../g", "./p:/p:shared,unknown",
    ),
}  # fmt: skip
"""What is right for properties of these names."""

_WRONG: Final = (
    "x", "-1", "b", "perhaps", "10x", "it's", "(a)", "lone", "A =b", "90-80", "web", "70000",
    "one::ro", "ab:/d:ro:rw", "a:b:c:d", "localhost", "9", "service:four", "nowhere", "a:b=c",
    "80:",
)  # fmt: skip
"""What is wrong for many."""

_KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    **dict.fromkeys(("networks", "models"), NAMES),
    "ulimits": ("nofile", "nproc"),
}
_OTHER_KEYS: Final = ("a", "b.c", "FOO", "a10", "a9")
_SOME_NUMBERS: Final = (0, 1, 2, 80, 1000, 65535, 1.5, 0.1, 1e6, 1e-7)
_STRANGE: Final[tuple[Any, ...]] = (
    None, True, 0, -1, 1.5, "x", "", [], {}, ["a", "a"], {"a": 1}, [None], {"x-a": 1}, [["a"]],
)  # fmt: skip
_APART: Final = (
    "image", "extends", "env_file", "label_file", "pull_refresh_after", "provider", "depends_on",
    "network_mode", "links", "volumes_from",
)  # fmt: skip
"""Properties of services that aren't made like others."""


@st.composite
def compose_files(draw: Draw) -> str:
    """A project in one file, mostly right; JSON, which YAML is."""
    tree = _project(draw)
    if draw(st.integers(0, 4)) == 0:
        _break(draw, tree)
    return json.dumps(tree, ensure_ascii=False, indent=1)


def _project(draw: Draw) -> dict[str, Any]:
    services = {name: _service(draw, NAMES[:at]) for at, name in enumerate(NAMES)}
    tree: dict[str, Any] = {"services": services}
    for kind in ("networks", "volumes", "secrets", "configs", "models"):
        held = PROJECT.properties[kind]
        assert isinstance(held, Mapped)
        tree[kind] = {name: _shared(draw, kind, held.of) for name in NAMES}
    if draw(st.integers(0, 4)) == 0:
        tree["x-own"] = _strange(draw)
    return tree


def _service(draw: Draw, others: Sequence[str]) -> dict[str, Any]:
    """A service that refers to others, most often to such as don't refer to it."""
    mapped = PROJECT.properties["services"]
    assert isinstance(mapped, Mapped)
    assert isinstance(mapped.of, Held)
    properties = [name for name in mapped.of.properties if name not in _APART]
    chosen = draw(st.lists(st.sampled_from(properties), max_size=4, unique=True))
    made = {name: _value(draw, mapped.of.properties[name], name) for name in chosen}
    for name in ("extends", "network_mode", "depends_on", "links", "volumes_from"):
        if others and draw(st.integers(0, 9)) == 0:
            made[name] = _reference(draw(st.sampled_from(others)), name)
    if draw(st.integers(0, 9)) == 0:
        made["provider"] = {"type": "x", "options": {"a": draw(st.sampled_from((1, "x", [1])))}}
    return {"image": "nginx", **made}


def _reference(other: str, name: str) -> Any:
    if name == "network_mode":
        return f"service:{other}"
    return other if name == "extends" else [other]


def _shared(draw: Draw, kind: str, of: Kind) -> Any:
    """An element at the top level, with what makes it valid; often there is nothing else."""
    value = _value(draw, of, kind) if draw(st.integers(0, 3)) == 0 else {}
    if kind == "models":
        return {**value, "model": "ai/x"}
    if not isinstance(value, dict) or kind == "networks":
        return value
    if kind == "volumes":
        return {"external": True} if value.get("external") else value
    sources = {"file", "environment", "content", "external"}
    rest = {key: item for key, item in value.items() if key not in sources}
    return {**rest, **draw(st.sampled_from(({"file": "./f"}, {"environment": "FOO"})))}


def _value(draw: Draw, kind: Kind, name: str) -> Any:
    """A value of a kind, for a property of this name or within it."""
    if isinstance(kind, Either):
        chosen = draw(st.sampled_from(kind.kinds))
        likely = _LIKELY.get(name) or _of_others(kind)
        return (
            _text(draw, chosen, likely) if isinstance(chosen, Text) else _value(draw, chosen, name)
        )
    if isinstance(kind, Listed):
        return [_value(draw, kind.of, name) for _ in range(draw(st.integers(0, 3)))]
    if isinstance(kind, Mapped):
        keys = draw(st.lists(st.sampled_from(_KEYS.get(name, _OTHER_KEYS)), max_size=3))
        return {key: _value(draw, kind.of, key) for key in keys}
    if isinstance(kind, Held):
        return _held(draw, kind)
    if isinstance(kind, Text):
        return _text(draw, kind, _LIKELY.get(name, _WORDS))
    return _number(draw, kind) if isinstance(kind, Number) else _other(draw, kind)


def _of_others(kind: Either) -> tuple[str, ...]:
    """What a text says that may be written in place of a number, or of true and false."""
    others = [each for each in kind.kinds if not isinstance(each, Text)]
    if len(others) != 1:
        return _WORDS
    if isinstance(others[0], Truth):
        return _TRUTHS
    return _NUMBERS if isinstance(others[0], Number) else _WORDS


def _text(draw: Draw, kind: Text, likely: tuple[str, ...]) -> str:
    words = (kind.choices or likely) if draw(st.integers(0, 39)) else _WRONG
    word: str = draw(st.sampled_from(words))
    return word


def _held(draw: Draw, kind: Held) -> dict[str, Any]:
    others = [name for name in kind.properties if name not in kind.required]
    chosen = draw(st.lists(st.sampled_from(others), max_size=4, unique=True)) if others else []
    value = {name: _value(draw, kind.properties[name], name) for name in (*kind.required, *chosen)}
    if kind.what in _TARGETS and "target" not in value:
        value["target"] = _TARGETS[kind.what]
    if kind.extensible and draw(st.integers(0, 9)) == 0:
        value["x-own"] = 1
    return value


_TARGETS: Final = {"a port": 80, "a mount": "/m", "a watch": "/w", "a device": "/dev/x"}
"""What mustn't be missing, though the description says that it may."""


def _other(draw: Draw, kind: Kind) -> Any:
    if isinstance(kind, Truth):
        return draw(st.booleans())
    return _strange(draw) if isinstance(kind, Anything) else None


def _number(draw: Draw, kind: Number) -> float:
    least = -math.inf if kind.least is None else kind.least
    most = math.inf if kind.most is None else kind.most
    whole = kind.whole
    fits = [n for n in _SOME_NUMBERS if least <= n <= most and (not whole or n == int(n))]
    number: float = draw(st.sampled_from(fits))
    return number


def _strange(draw: Draw) -> Any:
    """Something that may be out of place, not shared with others."""
    return copy.deepcopy(draw(st.sampled_from(_STRANGE)))


def _break(draw: Draw, tree: dict[str, Any]) -> None:
    """Changes one value somewhere, or takes it away, or calls it something else."""
    holders = _holders(tree["services"])[1:] + _holders(tree)
    holder = draw(st.sampled_from(holders))
    key = draw(st.sampled_from(list(holder) if isinstance(holder, dict) else range(len(holder))))
    deed = draw(st.sampled_from(("change", "remove", "rename", "repeat")))
    if deed == "remove":
        del holder[key]
    elif deed == "rename" and isinstance(holder, dict):
        holder[draw(st.sampled_from((f"{key}s", f"x-{key}", "")))] = holder.pop(key)
    elif deed == "repeat" and isinstance(holder, list):
        holder.append(holder[key])
    else:
        holder[key] = _strange(draw)


def _holders(value: Any) -> list[Any]:
    """All mappings and lists that hold something."""
    if not isinstance(value, dict | list) or not value:
        return []
    items = value.values() if isinstance(value, dict) else value
    return [value, *(each for item in items for each in _holders(item))]
