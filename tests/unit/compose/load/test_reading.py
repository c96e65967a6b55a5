"""Whole projects: files that extend and include others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dockyard.compose.load.reading import Merged, read
from dockyard.compose.load.request import Request
from dockyard.errors import DockyardError, InvalidInput, NotSupported


def project(
    directory: Path,
    files: dict[str, str],
    environment: dict[str, str] | None = None,
    names: tuple[str, ...] = (),
    **more: Any,
) -> Merged:
    for name, text in files.items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_text(text)
    request = Request(files=names, directory=str(directory), **more)
    return read(request, environment or {})


def refusal(directory: Path, files: dict[str, str], **more: Any) -> str:
    with pytest.raises(DockyardError) as caught:
        project(directory, files, **more)
    return caught.value.message.replace(f"{directory}/", "")


def test_extends_takes_over_from_the_same_file_and_from_others(tmp_path: Path) -> None:
    found = project(tmp_path, {
        "compose.yaml": """
            services:
              a: {extends: {file: sub/base.yaml, service: b}, volumes: ['./own:/own']}
              c: {extends: a, command: c}
        """,
        "sub/base.yaml": """
            services:
              b: {image: '${I}', volumes: ['./data:/data'], extends: {file: ../z.yaml, service: z}}
        """,
        "z.yaml": "services: {z: {build: ., command: z, ports: ['80']}}",
    }, {"I": "image"})  # fmt: skip
    services = found.tree["services"]
    assert "extends" not in services["a"]
    assert services["a"]["image"] == "image"
    assert services["a"]["build"]["context"] == str(tmp_path)
    sources = [volume["source"] for volume in services["a"]["volumes"]]
    assert sources == [f"{tmp_path}/sub/data", f"{tmp_path}/own"]
    assert services["c"] == {**services["a"], "command": "c"}
    path = ("services", "c", "ports", 0)
    assert str(found.places.find(path)).startswith(f"{tmp_path}/z.yaml:1:")


def test_extends_drops_what_the_service_resets(tmp_path: Path) -> None:
    found = project(tmp_path, {
        "compose.yaml": """
            services:
              a:
                extends: {file: b.yaml, service: b}
                ports: !reset []
                environment: !override {Z: 1}
        """,
        "b.yaml": "services: {b: {image: x, ports: ['1'], environment: {A: 1}}}",
    })  # fmt: skip
    assert found.tree["services"]["a"] == {"image": "x", "environment": {"Z": 1}}


@pytest.mark.parametrize(
    ("services", "words"),
    [
        ("web: {extends: wbe}, web2: {image: x}",
         "compose.yaml:1:18: services.web.extends: there is no service 'wbe' in compose.yaml"),
        ("a: {extends: b}, b: {extends: c}, c: {extends: a}",
         ("compose.yaml:1:50: services.c.extends: the service extends itself: "
         "a (compose.yaml) -> b (compose.yaml) -> c (compose.yaml) -> a (compose.yaml)")),
        ("a: {extends: {file: no.yaml, service: x}}",
         "compose.yaml:1:26: services.a.extends.file: there is no file no.yaml"),
        ("a: {extends: {file: x}}",
         "compose.yaml:1:16: services.a.extends.service: this must be the name of a service"),
        ("a: {extends: [b]}",
         "compose.yaml:1:16: services.a.extends: this must be the name of a service"),
    ],
)  # fmt: skip
def test_services_that_cant_be_extended(tmp_path: Path, services: str, words: str) -> None:
    assert refusal(tmp_path, {"compose.yaml": f"services: {{{services}}}"}) == words


def test_services_of_two_files_that_extend_each_other(tmp_path: Path) -> None:
    message = refusal(tmp_path, {
        "compose.yaml": "services: {a: {extends: {file: o.yaml, service: b}}}",
        "o.yaml": "services: {b: {extends: {file: compose.yaml, service: a}}}",
    })  # fmt: skip
    assert message == (
        "o.yaml:1:16: services.b.extends: the service extends itself: "
        "a (compose.yaml) -> b (o.yaml) -> a (compose.yaml)"
    )


def test_services_of_one_name_may_extend_each_other_across_files(tmp_path: Path) -> None:
    found = project(tmp_path, {
        "compose.yaml": "services: {a: {extends: b}, b: {extends: {file: o.yaml, service: a}}}",
        "o.yaml": "services: {a: {extends: c}, c: {image: x}}",
    })  # fmt: skip
    assert found.tree["services"]["a"] == {"image": "x"}


def test_included_projects_have_their_own_directory_and_variables(tmp_path: Path) -> None:
    found = project(tmp_path, {
        "compose.yaml": "include: [s/inc.yaml]\nservices: {a: {image: 'a$V'}}\n",
        "s/inc.yaml": """
            include: [{path: t/inc.yaml, project_directory: u, env_file: e.env}]
            services: {b: {image: 'b$V', build: ., env_file: b.env}}
            volumes: {v: }
        """,
        "s/t/inc.yaml": "services: {c: {image: 'c$V$W', build: x}}",
        "s/.env": "V=s\nW=no\nOUT=no\n", "s/e.env": "W=${V}w\n",
        "s/u/x": "",
    }, {"OUT": "out"})  # fmt: skip
    services = found.tree["services"]
    assert {name: service["image"] for name, service in services.items()} == {
        "a": "a", "b": "bs", "c": "csno",
    }  # fmt: skip
    assert services["b"]["build"]["context"] == f"{tmp_path}/s"
    assert services["b"]["env_file"] == [{"path": f"{tmp_path}/s/b.env", "required": True}]
    assert services["c"]["build"]["context"] == f"{tmp_path}/s/u/x"
    assert "include" not in found.tree
    assert str(found.places.find(("services", "c", "image"))) == f"{tmp_path}/s/t/inc.yaml:1:16"


def test_several_paths_of_an_include_are_laid_over_each_other(tmp_path: Path) -> None:
    found = project(tmp_path, {
        "compose.yaml": "include: [{path: [s/1.yaml, 2.yaml]}]\n",
        "s/1.yaml": "services: {b: {image: x, volumes: ['./d:/d']}}\n",
        "2.yaml": "services: {b: {image: y, volumes: ['./e:/e']}}",
    })  # fmt: skip
    service = found.tree["services"]["b"]
    assert service["image"] == "y"
    sources = [volume["source"] for volume in service["volumes"]]
    assert sources == [f"{tmp_path}/s/d", f"{tmp_path}/s/e"]


def test_what_is_included_may_be_there_twice_if_it_is_the_same(tmp_path: Path) -> None:
    files = {
        "compose.yaml": "include: [1.yaml, 2.yaml]\nservices: {b: {image: x}}\n",
        "1.yaml": "services: {b: {image: x}}\nvolumes: {v: {}}\n",
        "2.yaml": "volumes: {v: {}}\n",
    }
    assert project(tmp_path, files).tree["services"] == {"b": {"image": "x"}}
    other = {**files, "2.yaml": "volumes:\n  v: {driver: z}\n"}
    assert refusal(tmp_path, other) == (
        "1.yaml:2:11: volumes.v: this is something else in what is included, 2.yaml:2:3"
    )


@pytest.mark.parametrize(
    ("include", "words"),
    [
        ("no.yaml", "compose.yaml:1:1: include: this must be a list"),
        ("[no.yaml]", "compose.yaml:1:11: include[0]: there is no file no.yaml"),
        ("[3]", "compose.yaml:1:11: include[0]: this must be the name of a file, or a mapping"),
        ("[{path: [3]}]", ("compose.yaml:1:12: include[0].path: this must be the name of a file, "
         "or a list of names")),
        ("[{path: i.yaml, env_file: no.env}]", "couldn't find env file: no.env"),
        ("[compose.yaml]", ("compose.yaml:1:11: include[0]: the files include each other: "
         "compose.yaml -> compose.yaml")),
        ("[j.yaml]", ("j.yaml:1:11: include[0]: the files include each other: "
         "compose.yaml -> j.yaml -> compose.yaml")),
    ],
)  # fmt: skip
def test_includes_that_are_refused(tmp_path: Path, include: str, words: str) -> None:
    files = {
        "compose.yaml": f"include: {include}\nservices: {{a: {{image: x}}}}\n",
        "i.yaml": "services: {b: {image: x}}",
        "j.yaml": "include: [compose.yaml]",
    }
    assert refusal(tmp_path, files) == words


@pytest.mark.parametrize("name", ["oci://x/y", "https://x/y.git", "git@x:y", "github.com/x/y"])
def test_files_on_other_machines_are_refused_by_name(tmp_path: Path, name: str) -> None:
    for text in (
        f"include: ['{name}']",
        f"services: {{a: {{extends: {{service: b, file: '{name}'}}}}}}",
    ):
        with pytest.raises(NotSupported, match="on other machines"):
            project(tmp_path, {"compose.yaml": text})


def test_documents_of_a_file_are_laid_over_each_other(tmp_path: Path) -> None:
    text = """
services: {a: {image: x, ports: ['1'], cap_add: [A]}}
---
services: {a: {ports: !reset [], cap_add: [B]}}
"""
    found = project(tmp_path, {"compose.yaml": text})
    assert found.tree["services"]["a"] == {"image": "x", "cap_add": ["A", "B"]}


def test_later_files_drop_what_they_reset(tmp_path: Path) -> None:
    found = project(tmp_path, {
        "1.yaml": "services: {a: {image: x, ports: ['1', '2'], labels: {a: 1}}, b: {image: y}}",
        "2.yaml": "services: {a: {ports: !override ['3'], labels: {a: !reset 1}}, b: !reset {}}",
    }, names=("1.yaml", "2.yaml"))  # fmt: skip
    (service,) = found.tree["services"].values()
    assert [port["target"] for port in service["ports"]] == [3]
    assert not service["labels"]


def test_errors_of_a_later_file_are_in_that_file(tmp_path: Path) -> None:
    files = {
        "1.yaml": "services: {a: {image: x, ports: ['1']}}",
        "2.yaml": "services:\n  a:\n    ports:\n      - '2:x'\n",
    }
    message = refusal(tmp_path, files, names=("1.yaml", "2.yaml"))
    assert message.startswith("2.yaml:4:9: services.a.ports[1]: ")


def test_warnings_are_said_once(tmp_path: Path) -> None:
    text = "version: '3'\nservices: {a: {image: 'x$NO', command: '$NO'}}"
    assert project(tmp_path, {"compose.yaml": text}).warnings == (
        'The "NO" variable is not set. Defaulting to a blank string.',
        (
            f"{tmp_path}/compose.yaml: the attribute `version` is obsolete, it will be ignored, "
            "please remove it to avoid potential confusion"
        ),
    )


def test_variables_that_are_only_named_have_their_values(tmp_path: Path) -> None:
    text = """
        services: {a: {image: x, environment: [A, B, C=1]}}
        secrets: {s: {environment: A}}
        configs: {c: {environment: A}}
    """
    tree = project(tmp_path, {"compose.yaml": text}, {"A": "1"}).tree
    assert tree["services"]["a"]["environment"] == ["A=1", "B", "C=1"]
    assert tree["secrets"]["s"]["x-#value"] == "1"
    assert tree["configs"]["c"]["content"] == "1"


def test_nothing_at_all_is_no_project(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="empty compose file"):
        project(tmp_path, {"compose.yaml": "# nothing\n"})


def test_paths_may_stay_relative(tmp_path: Path) -> None:
    found = project(tmp_path, {
        "compose.yaml": "services: {a: {build: x, extends: {file: s/b.yaml, service: b}}}",
        "s/b.yaml": "services: {b: {env_file: e.env}}",
    }, resolve_paths=False)  # fmt: skip
    assert found.tree["services"]["a"]["build"]["context"] == "x"
    assert found.tree["services"]["a"]["env_file"] == [{"path": "s/e.env", "required": True}]
