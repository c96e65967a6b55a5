"""The part of Go's templates that ``--format`` is used with."""

from __future__ import annotations

import pytest

from dockyard.cli import template
from dockyard.cli.labelled import LabelledRow
from dockyard.cli.listing import list_text
from dockyard.errors import DockyardError, InvalidInput, NotSupported

VALUE = {
    "Name": "web",
    "State": {"Running": True, "Pid": 7, "Health": None},
    "Labels": {"a.b": "c", "d": "e"},
    "Args": ["x", "y"],
    "Nothing": [],
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
        ("a {{- .Name -}} b", "awebb"),
        ("{{/* nothing */}}{{.Name}}", "web"),
        ("{{.Name | upper}}", "WEB"),
        ('{{.Name | printf "%-5s|%s" "x"}}', "x    |web"),
        ('{{printf "%q %d %5.1f %v %%" .Name 7 1.25 .Args}}', '"web" 7   1.2 [x y] %'),
        ("{{range .Args}}<{{.}}>{{end}}", "<x><y>"),
        ("{{range $i, $a := .Args}}{{$i}}={{$a}},{{end}}", "0=x,1=y,"),
        ("{{range $k, $v := .Labels}}{{$k}}:{{$v}} {{end}}", "a.b:c d:e "),
        ("{{range .Args}}{{.}}{{$.Name}}{{end}}", "xwebyweb"),
        ("{{range .Nothing}}x{{else}}none{{end}}", "none"),
        ('{{range .Args}}{{if eq . "y"}}{{break}}{{end}}{{.}}{{end}}', "x"),
        ('{{range .Args}}{{if eq . "x"}}{{continue}}{{end}}{{.}}{{end}}', "y"),
        ("{{range .Args}}<{{.}}{{break}}>{{end}}", "<x"),
        ("{{range .Args}}<{{.}}{{continue}}>{{end}}", "<x<y"),
        ("{{if .State.Running}}up{{else}}down{{end}}", "up"),
        ("{{if .State.Health}}h{{else if .State.Pid}}p{{else}}n{{end}}", "p"),
        ('{{if and (eq .Name "web" "x") (not .Nothing)}}yes{{end}}', "yes"),
        ('{{or .State.Health "none"}} {{and .Name .State.Pid}}', "none 7"),
        ("{{and .Nothing .State.Pid.More}}", "[]"),
        ("{{if and (gt .State.Pid 3) (le .State.Pid 7) (ne .State.Pid 0)}}y{{end}}", "y"),
        ("{{with .State}}{{.Pid}}{{end}}{{with .Nothing}}x{{else}}-{{end}}", "7-"),
        ('{{$x := .Name}}{{if true}}{{$x = "other"}}{{end}}{{$x}}', "other"),
        ("{{(index .Args 0) | upper}}{{(.State).Pid}}", "X7"),
        ('{{join (split "a:b:c" ":") "-"}}', "a-b-c"),
        ("{{println .Name 1}}", "web 1\n"),
        ("{{range .Args}}{{.}}{{println}}{{end}}{{print}}", "x\ny\n"),
        ("{{.Labels.nothing}}{{if .Labels.nothing}}x{{end}}", "<no value>"),
        ("{{title .Name}} {{len .Name}} {{slice .Name 1}}", "Web 3 eb"),
        ('{{"}}"}}', "}}"),
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
        ('{{template "x"}}', NotSupported, "not supported"),
        ("{{range .Args}}{{.}}", InvalidInput, "end.* is missing"),
        ("{{end}}", InvalidInput, "unexpected"),
        ("{{break}}", InvalidInput, "outside {{range}}"),
        ("{{if .Name}}{{continue}}{{end}}", InvalidInput, "outside {{range}}"),
        ("{{range .Args}}{{else}}{{break}}{{end}}", InvalidInput, "outside {{range}}"),
        ("{{if .Name}}x{{else y}}{{end}}", InvalidInput, "unexpected"),
        ("{{.Name )}}", InvalidInput, "unexpected"),
        ("{{$x}}", InvalidInput, "undefined variable"),
        ("{{range .Name}}{{end}}", InvalidInput, "range can't iterate"),
        ("{{lt .Name 3}}", InvalidInput, "incompatible types"),
        ("{{index .Args 7}}", InvalidInput, "out of range"),
    ],
)
def test_broken_templates_say_what_is_wrong(
    text: str, error: type[DockyardError], words: str
) -> None:
    with pytest.raises(error, match=words):
        template.render(template.parse(text), VALUE)


def test_a_label_is_a_method_of_a_row_and_names_its_column() -> None:
    row = LabelledRow({"Names": "web"}, {"org.site-name": "port"})
    form = r'table {{.Names}}\t{{.Label "org.site-name"}}\t{{.Label "none"}}'
    assert list_text([row], {"Names": "NAMES"}, ("Names",), form) == (
        "NAMES     site name   none\nweb       port        \n"
    )


def test_a_table_of_a_template_has_the_titles_of_its_fields() -> None:
    rows = [{"ID": "1", "Names": "web"}, {"ID": "2", "Names": "database-server"}]
    titles = {"ID": "CONTAINER ID", "Names": "NAMES"}
    text = list_text(rows, titles, ("ID", "Names"), r"table {{.Names}}\t{{upper .ID}}")
    assert text == (
        "NAMES             CONTAINER ID\nweb               1\ndatabase-server   2\n"
    )  # fmt: skip
