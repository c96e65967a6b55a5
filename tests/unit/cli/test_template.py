"""The part of Go's templates that ``--format`` is used with."""

from __future__ import annotations

import pytest

from dockyard.cli import template
from dockyard.cli.listing import list_text
from dockyard.errors import DockyardError, InvalidInput, NotSupported

VALUE = {
    "Name": "web",
    "State": {"Running": True, "Pid": 7, "Health": None},
    "Labels": {"a.b": "c", "d": "e"},
    "Args": ["x", "y"],
}


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("plain", "plain"),
        ("{{.Name}}", "web"),
        ("{{ .State.Pid }}", "7"),
        ("{{.State.Running}}", "true"),
        ("{{.State.Health}}", "<nil>"),
        (r"{{.Name}}\t{{.Name}}\n", "web\tweb\n"),
        ("{{json .Labels}}", '{"a.b":"c","d":"e"}'),
        ("{{json .}}", template.to_json(VALUE)),
        ("{{.Args}}", "[x y]"),
        ("{{.Labels}}", "map[a.b:c d:e]"),
        ('{{index .Labels "a.b"}}', "c"),
        ('{{index .Labels "absent"}}', ""),
        ("{{index .Args 1}}", "y"),
        ('{{join .Args ", "}}', "x, y"),
        ("{{upper .Name}}{{lower .Name}}{{len .Args}}", "WEBweb2"),
        ("{{- .Name -}}", "web"),
    ],
)
def test_templates(text: str, result: str) -> None:
    assert template.render(template.parse(text), VALUE) == result


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("{{.Nosuch}}", InvalidInput, 'no field "Nosuch"'),
        ("{{.State.Nosuch}}", InvalidInput, "Nosuch"),
        ("{{.Name.More}}", InvalidInput, "More"),
        ("{{.Name", InvalidInput, "unclosed action"),
        ("{{}}", InvalidInput, "empty action"),
        ("{{nosuch .Name}}", InvalidInput, 'function "nosuch" not defined'),
        ("{{json}}", InvalidInput, "needs an argument"),
        ("{{range .Args}}{{.}}{{end}}", NotSupported, "not supported yet"),
        ("{{.Name | upper}}", NotSupported, "not supported yet"),
    ],
)
def test_broken_templates_say_what_is_wrong(
    text: str, error: type[DockyardError], words: str
) -> None:
    with pytest.raises(error, match=words):
        template.render(template.parse(text), VALUE)


def test_a_table_of_a_template_has_the_titles_of_its_fields() -> None:
    rows = [{"ID": "1", "Names": "web"}, {"ID": "2", "Names": "database-server"}]
    titles = {"ID": "CONTAINER ID", "Names": "NAMES"}
    text = list_text(rows, titles, ("ID", "Names"), r"table {{.Names}}\t{{upper .ID}}")
    assert text == (
        "NAMES             CONTAINER ID\nweb               1\ndatabase-server   2\n"
    )  # fmt: skip
