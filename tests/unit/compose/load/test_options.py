from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dockyard.compose.load.options import Sources, found
from dockyard.compose.load.reading import read
from dockyard.compose.load.request import Request, caller_directory
from dockyard.errors import DockyardError, InvalidInput, NotFound

ONE = "services: {a: {image: x}}\n"


def sources(
    directory: Path, environment: dict[str, str] | None = None, **more: Any
) -> tuple[Sources, list[str]]:
    warnings: list[str] = []
    request = Request(directory=str(directory), **more)
    return found(request, environment or {}, warnings.append), warnings


def write(directory: Path, **files: str) -> None:
    for name, text in files.items():
        path = directory / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def names(directory: Path, where: Sources) -> list[str]:
    return [str(Path(file).relative_to(directory)) for file in where.files]


def test_the_usual_file_and_its_override_are_found_here_or_above(tmp_path: Path) -> None:
    write(
        tmp_path, compose_yml=ONE, compose_override_yaml=ONE, s__t__x="", s__compose_override_yml=""
    )
    below = tmp_path / "s" / "t"
    where, warnings = sources(below)
    assert names(tmp_path, where) == ["compose.yml", "compose.override.yaml"]
    assert (where.directory, warnings) == (str(tmp_path), [])


def test_of_several_usual_files_the_first_is_taken_and_told_of(tmp_path: Path) -> None:
    (tmp_path / "docker-compose.yml").write_text(ONE)
    write(tmp_path, compose_yaml=ONE)
    where, warnings = sources(tmp_path)
    assert names(tmp_path, where) == ["compose.yaml"]
    assert warnings == [
        (
            "Found multiple config files with supported names: "
            f"{tmp_path}/compose.yaml, {tmp_path}/docker-compose.yml"
        ),
        f"Using {tmp_path}/compose.yaml",
    ]


def test_named_files_win_over_the_variable_and_that_over_the_usual(tmp_path: Path) -> None:
    write(tmp_path, compose_yaml=ONE, a_yaml=ONE, s__b_yaml=ONE)
    variable = {"COMPOSE_FILE": "s/b.yaml:a.yaml"}
    where, _ = sources(tmp_path, variable)
    assert names(tmp_path, where) == ["s/b.yaml", "a.yaml"]
    assert where.directory == str(tmp_path / "s")
    where, _ = sources(tmp_path, variable, files=("-", "a.yaml"))
    assert where.files == ("-", str(tmp_path / "a.yaml"))
    assert where.directory == str(tmp_path)
    where, _ = sources(tmp_path, {"COMPOSE_FILE": "a.yaml,-", "COMPOSE_PATH_SEPARATOR": ","})
    assert where.files == (str(tmp_path / "a.yaml"), "-")
    where, _ = sources(tmp_path, variable, project_directory="other")
    assert where.directory == str(tmp_path / "other")


def test_files_that_arent_there(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no configuration file provided"):
        sources(tmp_path)
    with pytest.raises(NotFound, match=r"a\.yaml: no such file"):
        sources(tmp_path, {"COMPOSE_FILE": "a.yaml"})
    with pytest.raises(NotFound, match=r"couldn't find env file: .*/no\.env"):
        sources(tmp_path, files=("a.yaml",), env_files=("no.env",))


def test_variables_come_from_the_shell_then_from_files(tmp_path: Path) -> None:
    write(tmp_path, compose_yaml=ONE, _env="A=file\nB=file$A\nCOMPOSE_PROFILES=p, q\n", s__x="")
    write(tmp_path / "s", _env="C=below\nA=below\n")
    where, _ = sources(tmp_path, {"A": "shell"})
    assert (where.environment["A"], where.environment["B"]) == ("shell", "fileshell")
    assert where.profiles == ("p", "q")
    assert where.env_files == ()
    where, _ = sources(tmp_path / "s")
    assert {name: where.environment[name] for name in "ABC"} == {
        "A": "below", "B": "filebelow", "C": "below",
    }  # fmt: skip
    where, _ = sources(tmp_path, {"COMPOSE_DISABLE_ENV_FILE": "1"}, profiles=("z",))
    assert "B" not in where.environment
    assert where.profiles == ("z",)
    with pytest.raises(InvalidInput, match="COMPOSE_DISABLE_ENV_FILE is 'x'"):
        sources(tmp_path, {"COMPOSE_DISABLE_ENV_FILE": "x"})


def test_named_files_of_variables_take_the_place_of_the_usual(tmp_path: Path) -> None:
    write(tmp_path, compose_yaml=ONE, _env="A=no\n", x_env="A=x\nB=x\n", y_env="A=y\n")
    where, _ = sources(tmp_path, env_files=("x.env", "y.env"))
    assert (where.environment["A"], where.environment["B"]) == ("y", "x")
    assert where.env_files == (f"{tmp_path}/x.env", f"{tmp_path}/y.env")
    where, _ = sources(tmp_path, {"COMPOSE_ENV_FILES": "x.env,"})
    assert where.environment["A"] == "x"


def name_of(directory: Path, environment: dict[str, str] | None = None, **more: Any) -> str:
    return read(Request(directory=str(directory), **more), environment or {}).name


def test_a_project_is_called_after_its_directory_at_last(tmp_path: Path) -> None:
    directory = tmp_path / "My.App_1"
    write(directory, compose_yaml=ONE)
    assert name_of(directory) == "myapp_1"
    write(directory, compose_yaml=f"name: From ${{X:-File}}\n{ONE}", o_yaml="name: last\n")
    assert name_of(directory) == "fromfile"
    assert name_of(directory, files=("compose.yaml", "o.yaml")) == "last"
    assert name_of(directory, {"COMPOSE_PROJECT_NAME": "env"}) == "env"
    assert name_of(directory, {"COMPOSE_PROJECT_NAME": "env"}, name="flag") == "flag"


def test_the_name_is_a_variable_of_the_files(tmp_path: Path) -> None:
    write(tmp_path, compose_yaml="services: {a: {image: $COMPOSE_PROJECT_NAME}}")
    found = read(Request(directory=str(tmp_path), name="shop"), {})
    assert found.tree["services"]["a"]["image"] == "shop"


@pytest.mark.parametrize(
    ("text", "name", "words"),
    [
        (ONE, "My App", "invalid project name 'My App': must consist only of lowercase"),
        (f"name: ${{X:-}}\n{ONE}", "", "project name must not be empty"),
        (f"name: 7\n{ONE}", "", "name: "),
    ],
)
def test_names_that_are_refused(tmp_path: Path, text: str, name: str, words: str) -> None:
    write(tmp_path, compose_yaml=text)
    with pytest.raises(DockyardError) as caught:
        name_of(tmp_path, name=name)
    assert words in caught.value.message


def test_a_directory_reached_by_a_link_gives_its_own_name_and_is_told_of(tmp_path: Path) -> None:
    write(tmp_path, real__compose_yaml=ONE)
    (tmp_path / "link").symlink_to("real")
    found = read(Request(directory=str(tmp_path / "link")), {})
    assert found.name == "link"
    assert found.warnings == (
        'project has been loaded without an explicit name from a symlink. Using name "link"',
    )


def test_standard_input_is_a_file_too(tmp_path: Path) -> None:
    request = Request(
        directory=str(tmp_path), files=("-",), stdin=b"services: {a: {build: x}}", name="p"
    )
    found = read(request, {})
    assert found.files == ("-",)
    assert found.tree["services"]["a"]["build"]["context"] == str(tmp_path / "x")


def test_the_caller_is_where_the_shell_says_if_that_is_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    real.mkdir()
    link.symlink_to("real")
    monkeypatch.chdir(link)
    assert caller_directory({"PWD": str(link)}) == str(link)
    assert caller_directory({"PWD": str(tmp_path)}) == str(real)
    assert caller_directory({"PWD": "."}) == str(real)
    assert caller_directory({}) == str(real)
