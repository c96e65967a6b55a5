"""The shape of the code: which packages know which, and how large things may grow."""

from __future__ import annotations

import ast
import importlib
import itertools
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import dockyard
from dockyard import arguments

SOURCE = Path(__file__).parents[2] / "src"
PACKAGE = SOURCE / "dockyard"
FILES = sorted(PACKAGE.rglob("*.py"))

LAYERS = (
    ("cli",),
    ("building", "doctor", "engine", "handle", "observed", "recovery", "shipping", "usage"),
    ("batch", "serving"),
    ("compose",),
    ("build",),
    ("arguments", "audit", "diagnosis"),
    ("containers",),
    ("models",),
    ("devices", "networks", "registry", "volumes"),
    ("images",),
    ("security", "observability", "controller"),
    ("state", "oci", "system"),
    ("config",),
    ("decoding", "errors", "_version"),
)
"""From the top down: a package imports those below it, and none beside it."""

BESIDE = {
    ("engine", "building"), ("engine", "handle"), ("engine", "recovery"), ("engine", "shipping"),
    ("engine", "usage"),
    ("handle", "observed"),
    ("state", "system"), ("oci", "system"),
}  # fmt: skip
"""Exceptions: the composition root's own parts, and the kernel's edge."""

HEAVY = (
    "aiohttp", "asyncio", "email", "http.client", "logging", "pathlib", "rich", "tarfile",
    "tempfile", "unittest", "urllib.request", "urllib3", "zipfile",
)  # fmt: skip

MAX_FILE = 400
MAX_FUNCTION = 40
"""Lines, those of a function's docstring not among them; CONTRIBUTING.md says the same."""


def module_name(path: Path) -> str:
    parts = path.relative_to(SOURCE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in FILES}


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def imports(module: str, *, lazy: bool = True) -> Iterator[str]:
    """Modules of ours that a module imports; those for type checkers alone are left out."""
    for node in _import_nodes(tree(MODULES[module]), lazy=lazy):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            base = node.module or ""
            names = [f"{base}.{alias.name}" for alias in node.names]
            names = [name if name in MODULES else base for name in names]
        yield from (name for name in names if name.split(".")[0] == "dockyard")


def _import_nodes(node: ast.AST, *, lazy: bool) -> Iterator[ast.Import | ast.ImportFrom]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import | ast.ImportFrom):
            yield child
        elif isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        elif lazy or not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _import_nodes(child, lazy=lazy)


def package(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else ""


def level(name: str) -> int:
    return next(index for index, names in enumerate(LAYERS) if name in names)


def test_every_package_has_its_place() -> None:
    known = {name for names in LAYERS for name in names}

    assert {package(module) for module in MODULES} - {""} == known


def test_the_picture_has_the_same_layers() -> None:
    """Names are in its first columns, what they are about behind them."""
    page = (SOURCE.parent / "docs" / "architecture.md").read_text()
    picture = "\n".join(line[:40] for line in page.split("```")[1].splitlines())
    places = [
        [found.start() for name in names if (found := re.search(rf"\b{name}\b", picture))]
        for names in (tuple(name for name in names if name != "_version") for names in LAYERS)
    ]

    assert [len(found) for found in places] == [len({*names} - {"_version"}) for names in LAYERS]
    assert all(max(upper) < min(lower) for upper, lower in itertools.pairwise(places))


def test_imports_point_downward() -> None:
    wrong = [
        f"{module} imports {used}"
        for module in MODULES.keys() - PROGRAMS
        for used in imports(module)
        if package(module) and package(used) and not _allowed(package(module), package(used))
    ]

    assert not wrong


PROGRAMS = {
    "dockyard.containers.exit", "dockyard.controller.process",
    "dockyard.serving.controller.process",
}  # fmt: skip
"""Run by themselves: they begin with nothing and end with the engine."""


def _allowed(source: str, target: str) -> bool:
    return source == target or level(source) < level(target) or (source, target) in BESIDE


def test_the_library_does_not_know_its_doors() -> None:
    library = [module for module in MODULES if package(module) != "cli"]
    wrong = [m for m in library if any(used.startswith("dockyard.cli") for used in imports(m))]

    assert not wrong


def test_there_are_no_cycles() -> None:
    graph = {module: set(imports(module, lazy=False)) - {module} for module in MODULES}
    done: set[str] = set()

    def visit(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, " -> ".join((*path[path.index(module) :], module))
        if module in done:
            return
        for used in graph[module]:
            visit(used, (*path, module))
        done.add(module)

    for module in graph:
        visit(module, ())


def test_imports_are_absolute() -> None:
    relative = [
        module
        for module, path in MODULES.items()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ImportFrom) and node.level
    ]

    assert not relative


def test_only_system_runs_programs_and_calls_the_kernel() -> None:
    wrong = [
        module
        for module, path in MODULES.items()
        if package(module) != "system"
        and any(
            isinstance(node, ast.Import) and any(alias.name == "ctypes" for alias in node.names)
            for node in ast.walk(tree(path))
        )
    ]

    assert not wrong


@pytest.mark.parametrize(
    "pattern",
    [r"shutil\.rmtree", r"os\.system\(", r"shell=True", r"\beval\(", r"pickle", r"extractall"],
)
def test_forbidden_calls(pattern: str) -> None:
    wrong = [
        f"{path.relative_to(SOURCE)}:{number}"
        for path in FILES
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if re.search(pattern, line.partition("#")[0])
    ]

    assert not wrong


def test_nothing_of_one_machine_is_in_the_code() -> None:
    """No home directories, mirrors or hosts; only names that a standard gives."""
    allowed = (
        "docker.io", "docs.docker.com", "127.0.0.1", "127.0.0.53", "0.0.0.0", "www.w3.org",
        "example", "localhost", "http://json",  # json-schema.org, which names the draft
    )  # fmt: skip
    pattern = re.compile(r"/work/|/home/\w+/|https?://[\w.]+|\b\d{1,3}(?:\.\d{1,3}){3}\b(?!/)")
    wrong = [
        f"{path.relative_to(SOURCE)}: {found}"
        for path in FILES
        for found in pattern.findall(path.read_text())
        if not any(name in found for name in allowed)
    ]

    assert not wrong


def test_files_and_functions_stay_small() -> None:
    large = [f"{path.relative_to(SOURCE)}" for path in FILES
             if len(path.read_text().splitlines()) > MAX_FILE]  # fmt: skip
    large += [
        f"{path.relative_to(SOURCE)}: {node.name}, {_lines(node)} lines"
        for path in FILES
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef) and _lines(node) > MAX_FUNCTION
    ]

    assert not large


def _lines(node: ast.FunctionDef) -> int:
    first = node.body[0]
    document = 0
    if ast.get_docstring(node) is not None:
        document = (first.end_lineno or first.lineno) - first.lineno + 1
    return (node.end_lineno or node.lineno) - node.lineno + 1 - document


def test_public_things_say_what_they_are() -> None:
    """Small properties and fields named by what they hold may go without."""
    silent = [
        f"{module}.{name}"
        for module, path in MODULES.items()
        for name, node in _public(tree(path))
        if ast.get_docstring(node) is None and not _obvious(node)
    ]

    assert not silent


def _public(node: ast.Module | ast.ClassDef, prefix: str = "") -> Iterator[
    tuple[str, ast.FunctionDef | ast.ClassDef]
]:  # fmt: skip
    for child in node.body:
        if isinstance(child, ast.FunctionDef | ast.ClassDef) and not child.name.startswith("_"):
            yield prefix + child.name, child
            if isinstance(child, ast.ClassDef):
                yield from _public(child, f"{child.name}.")


def _obvious(node: ast.FunctionDef | ast.ClassDef) -> bool:
    """One line, or the counterpart of something documented."""
    return isinstance(node, ast.FunctionDef) and len(node.body) == 1


def test_modules_begin_with_what_they_are_for() -> None:
    assert [name for name, path in MODULES.items() if not ast.get_docstring(tree(path))] == []


def test_the_public_names_are_these() -> None:
    assert sorted(dockyard.__all__) == [
        "Config", "Console", "Devices", "DockyardError", "Engine", "HealthOptions", "Logging",
        "ModelInfo", "Mount", "Namespaces", "Networking", "Options", "Resources", "Restart",
        "RunningContainer", "Security", "__version__",
    ]  # fmt: skip
    for name in dockyard.__all__:
        assert getattr(dockyard, name)


def test_the_public_names_are_listed_before_they_are_imported() -> None:
    found = imported_by("import dockyard; print(*dir(dockyard))\nassert 'Engine' in dir(dockyard)")

    assert "dockyard.engine" not in found
    assert set(dockyard.__all__) <= set(dir(dockyard))
    assert "TYPE_CHECKING" not in dir(dockyard)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nothing_here"):
        dockyard.nothing_here  # noqa: B018


RECORDS = (
    "dockyard.containers.model", "dockyard.containers.options", "dockyard.networks.model",
    "dockyard.containers.logging.settings", "dockyard.devices.request", "dockyard.images.model",
    "dockyard.networks.firewall", "dockyard.networks.rules",
)  # fmt: skip


@pytest.mark.parametrize("name", RECORDS)
def test_fields_of_records_are_no_text_to_compile(name: str) -> None:
    """msgspec compiles each postponed annotation at the first decoding: 4 ms a command."""
    module = importlib.import_module(name)
    fields = [
        f"{value.__name__}.{field}"
        for value in vars(module).values()
        if isinstance(value, type) and value.__module__ == name
        for field, annotation in vars(value).get("__annotations__", {}).items()
        if isinstance(annotation, str)
    ]

    assert not fields


def test_values_of_options_are_read_by_functions_that_exist() -> None:
    named = {
        name
        for path in (PACKAGE / "cli").rglob("*.py")
        for name in re.findall(r'notation\("(\w+)"\)', path.read_text())
    }

    assert named
    assert named <= set(arguments.__all__)


def imported_by(code: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print(*sys.modules, file=sys.__stdout__)"],
        capture_output=True, text=True, check=True, env={"PYTHONPATH": ":".join(sys.path)},
    )  # fmt: skip
    return set(done.stdout.splitlines()[-1].split())


def test_importing_the_package_costs_nothing() -> None:
    found = imported_by("import dockyard")

    assert {name for name in found if name.startswith("dockyard")} == {
        "dockyard", "dockyard._version",
    }  # fmt: skip


@pytest.mark.parametrize(
    "code",
    [
        "import dockyard.cli.main, dockyard.cli.commands.version",
        "import dockyard.cli.main, dockyard.cli.commands.run, dockyard.engine",
        "import dockyard.cli.main, dockyard.cli.commands.ps, dockyard.engine",
    ],
)
def test_the_short_commands_import_nothing_heavy(code: str) -> None:
    clean = imported_by("pass")  # the interpreter's own, with whatever site brings
    found = imported_by(code) - clean

    assert not {name for name in found if name.startswith(HEAVY)}


@pytest.mark.parametrize(("command", "most"), [("version", 16), ("run", 143), ("exec", 113)])
def test_a_command_imports_few_modules_before_it_begins(command: str, most: int) -> None:
    """Each costs 0.15 ms. What only some options or verbs need is imported where it is used."""
    engine = "" if command == "version" else ", dockyard.engine, dockyard.recovery"
    engine += ", dockyard.containers.start" if command == "run" else ""
    found = imported_by(f"import dockyard.cli.main, dockyard.cli.commands.{command}{engine}")

    assert len({name for name in found if name.startswith("dockyard.")}) <= most
