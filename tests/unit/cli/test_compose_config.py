"""``compose config``: the whole in YAML and JSON, and single things of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

Call = Callable[..., tuple[int, str, str]]

FILE = """\
name: demo
services:
  web:
    image: nginx:1.25
    command: ["sh", "-c", "echo ${WORD:-a b} $$HOME"]
    environment: {A: "1", B: "yes", C: ""}
    ports: ["8080:80"]
    depends_on: [db]
    networks: [front]
    profiles: []
  db:
    image: redis
    volumes: [data:/data]
  tool:
    build: .
    profiles: [tools]
volumes: {data: {}, unused: {}}
networks: {front: {}}
"""
YAML = """\
name: demo
services:
  db:
    image: redis
    networks:
      default: null
    volumes:
      - type: volume
        source: data
        target: /data
        volume: {}
  web:
    command:
      - sh
      - -c
      - echo a b $$HOME
    depends_on:
      db:
        condition: service_started
        required: true
    environment:
      A: "1"
      B: "yes"
      C: ""
    image: nginx:1.25
    networks:
      front: null
    ports:
      - mode: ingress
        target: 80
        published: "8080"
        protocol: tcp
networks:
  default:
    name: demo_default
  front:
    name: demo_front
volumes:
  data:
    name: demo_data
"""


@pytest.fixture
def config(dockyard: Call, tmp_path: Path) -> Call:
    (tmp_path / "compose.yaml").write_text(FILE)

    def call(*words: str) -> tuple[int, str, str]:
        return dockyard("compose", "-f", str(tmp_path / "compose.yaml"), "config", *words)

    return call


def test_the_whole_is_yaml_as_docker_composes(config: Call) -> None:
    assert config() == (0, YAML, "")


def test_json_is_the_same(config: Call) -> None:
    code, out, _ = config("--format", "json")
    assert code == 0
    assert json.loads(out)["services"]["web"]["environment"] == {"A": "1", "B": "yes", "C": ""}
    assert config("--format", "xml")[0] == 1


@pytest.mark.parametrize(
    ("words", "lines"),
    [
        (("--services",), ["db", "web"]),
        (("--volumes",), ["data"]),
        (("--networks",), ["default", "front"]),
        (("--images", "db"), ["redis"]),
        (("--profiles",), ["tools"]),
    ],
)
def test_one_thing_of_each_on_a_line(
    config: Call, words: tuple[str, ...], lines: list[str]
) -> None:
    code, out, _ = config(*words)
    assert (code, out.splitlines()) == (0, lines)


def test_hashes_are_docker_composes(config: Call) -> None:
    code, out, _ = config("--hash", "db")
    assert (code, out.split()[0], len(out.split()[1])) == (0, "db", 64)
    assert len(config("--hash", "*")[1].splitlines()) == 2
    code, _, err = config("--hash", "nobody")
    assert (code, "no such service: nobody" in err) == (1, True)


def test_variables_and_their_defaults(config: Call) -> None:
    code, out, _ = config("--variables")
    assert code == 0
    assert [line.split() for line in out.splitlines()[1:]] == [["WORD", "false", "a", "b"]]
    found = json.loads(config("--variables", "--format", "json")[1])
    assert found["WORD"]["DefaultValue"] == "a b"


def test_without_interpolation_variables_stay(config: Call) -> None:
    code, out, _ = config("--no-interpolate")
    assert code == 0
    assert "echo ${WORD:-a b} $$HOME" in out


def test_the_environment_is_what_files_were_read_with(
    config: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORD", "there")
    assert "WORD=there" in config("--environment")[1].splitlines()


def test_it_can_be_written_to_a_file_or_only_checked(config: Call, tmp_path: Path) -> None:
    assert config("-o", str(tmp_path / "out.yaml")) == (0, "", "")
    assert (tmp_path / "out.yaml").read_text() == YAML
    assert config("-q") == (0, "", "")


def test_a_service_that_is_not_there_is_named(config: Call) -> None:
    code, _, err = config("nobody")
    assert (code, "no such service: nobody" in err) == (1, True)


def test_the_caller_is_where_the_shell_says(
    dockyard: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the links by which it was entered, as with Docker Compose."""
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "compose.yaml").write_text("services: {web: {image: x, build: .}}\n")
    (tmp_path / "link").symlink_to("real")
    monkeypatch.chdir(tmp_path / "link")
    monkeypatch.setenv("PWD", str(tmp_path / "link"))
    found = json.loads(dockyard("compose", "config", "--format", "json")[1])
    assert found["name"] == "link"
    assert found["services"]["web"]["build"]["context"] == str(tmp_path / "link")


def test_a_block_of_ours_is_checked_and_printed_as_it_is(config: Call, tmp_path: Path) -> None:
    file = tmp_path / "compose.yaml"
    block = "    image: redis\n    x-dockyard: {route: {}, port: 6379, scale: {mx: 2}}\n"
    file.write_text(FILE.replace("    image: redis\n", block))
    code, _, err = config("-q")
    assert code == 1
    assert f"{file}:13:49: services.db.x-dockyard.scale.mx: scale has no property 'mx'" in err
    assert "did you mean 'max'?" in err
    assert config("--no-consistency", "-q")[0] == 0

    file.write_text(file.read_text().replace("mx", "max"))
    code, out, _ = config("db")
    assert code == 0
    assert "      port: 6379\n      route: {}\n      scale:\n        max: 2\n" in out
