"""Where Dockyard reads files otherwise than Docker Compose, each difference with its reason."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.contract.test_compose_generated import ON_PURPOSE
from tests.support.compose_oracle import Oracle, Question, ours

ONE = "services: {a: {image: x}}\n"

DIFFERENCES = {
    "a colon within braces ends a key only before a space, as YAML has it; theirs joins the key": (
        {"1.yaml": f"{ONE}x-a: {{b:}}\n"}, '"b:": null', "found unexpected ':'",
    ),
    "YAML escapes a slash, for JSON's sake; theirs doesn't know of it": (
        {"1.yaml": f'{ONE}x-a: "\\/"\n'}, "unknown escape character", '"x-a": "/"',
    ),
    "a file may say that it is YAML 1.2, which Compose's is": (
        {"1.yaml": f"%YAML 1.2\n---\n{ONE}"}, "incompatible YAML document", '"image": "x"',
    ),
    "an anchor may be used in what itself has it; theirs takes that for a circle": (
        {"1.yaml": "x-b: &b {context: .}\nservices: {a: {<<: {image: x}, build: {<<: *b, "
                   "labels: *b}}}\n"},
        "cycle detected", '"context": "."',
    ),
    "services of one name in two files may extend each other; theirs takes that for a circle": (
        {"1.yaml": "services: {s: {extends: {file: other.yaml, service: a}}}",
         "other.yaml": "services: {a: {extends: b}, b: {extends: {file: others.yaml, service: a}}}",
         "others.yaml": "services: {a: {extends: c}, c: {image: x}}"},
        "Circular reference", '"image": "x"',
    ),
    "address pools of one subnet are joined; theirs mixes them up": (
        {"1.yaml": "services: {a: {image: x, networks: [n]}}\nnetworks: {n: {ipam: {config: "
                   "[{subnet: 10.0.0.0/24}, {subnet: 10.1.0.0/24}]}}}",
         "2.yaml": "networks: {n: {ipam: {config: [{subnet: 10.1.0.0/24, gateway: 10.1.0.1}, "
                   "{subnet: 10.2.0.0/24}]}}}"},
        r'"subnet": "10.2.0.0/24",\s*"gateway": "10.1.0.1"',
        r'"subnet": "10.1.0.0/24",\s*"gateway": "10.1.0.1"',
    ),
    "nothing laid over something leaves it; theirs crashes": (
        {"1.yaml": "services: {a: {image: x, logging: {driver: d}}}",
         "2.yaml": "services: {a: {logging: }}"},
        "panic", '"driver": "d"',
    ),
    "x-dockyard says what is served, so it is checked; theirs takes any extension": (
        {"1.yaml": "services: {a: {image: x, x-dockyard: {rout: {path: /a}}}}"},
        '"image": "x"', r"1\.yaml:1:\d+: services\.a\.x-dockyard\.rout: x-dockyard has no property",
    ),
}  # fmt: skip
"""Why: the files, what Docker Compose says, and what we say, as patterns."""


@pytest.mark.parametrize("why", DIFFERENCES)
def test_a_difference_is_on_purpose(why: str, tmp_path: Path) -> None:
    files, theirs, own = DIFFERENCES[why]
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    named = tuple(str(tmp_path / name) for name in files if name[0].isdigit())
    question = Question(files=named, directory=str(tmp_path))

    answers = (Oracle(keeps=False).ask(question), ours(question))

    said = [answer.project or answer.error or "" for answer in answers]
    assert re.search(theirs, said[0]), said[0]
    assert re.search(own, said[1]), said[1]


def test_the_page_for_users_lists_all_of_them() -> None:
    text = (Path(__file__).parents[2] / "docs" / "compose.md").read_text()
    listed = [" ".join(entry.partition("\n\n")[0].split()) for entry in text.split("\n- ")]

    for why in (*DIFFERENCES, *ON_PURPOSE):
        assert why.replace("theirs", "Docker Compose") in listed, why
