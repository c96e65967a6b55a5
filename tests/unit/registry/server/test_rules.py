"""What ``registry.toml`` means: sizes, times, patterns, and which tags stay."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dockyard.errors import InvalidInput
from dockyard.registry.server.rules import Collecting, Quota, Retention, Rules, Tag, surplus
from dockyard.registry.server.settings import RulesFile, read

DAY = 86400
NOW = 100 * DAY * 10**9


def tags(*ages: int) -> list[Tag]:
    """Tags named by how many days ago they moved."""
    return [Tag(f"t{age}", NOW - age * DAY * 10**9) for age in ages]


def kept(*rules: Retention, immutable: tuple[str, ...] = (), of: tuple[int, ...]) -> list[int]:
    every = tags(*of)
    gone = surplus(Rules(retention=rules, immutable=immutable), "a/b", every, NOW)
    return [int(one.name[1:]) for one in every if one.name not in gone]


def test_the_newest_tags_stay() -> None:
    assert kept(Retention("**", "*", 2, None), of=(5, 1, 3)) == [1, 3]


def test_tags_that_are_new_enough_stay() -> None:
    assert kept(Retention("**", "*", None, 3 * DAY), of=(5, 1, 3)) == [1, 3]


def test_one_reason_is_enough() -> None:
    assert kept(Retention("**", "*", 1, 4 * DAY), of=(9, 3, 4)) == [3, 4]
    assert kept(Retention("**", "*", 2, DAY), of=(9, 3, 4)) == [3, 4]


def test_the_first_rule_that_means_a_tag_decides() -> None:
    assert kept(Retention("**", "t1*", 9, None), Retention("**", "*", 0, None),
                of=(1, 12, 3)) == [1, 12]  # fmt: skip


def test_other_repositories_and_immutable_tags_stay() -> None:
    assert kept(Retention("other/*", "*", 0, None), of=(1, 2)) == [1, 2]
    assert kept(Retention("**", "*", 0, None), immutable=("a/*:t1",), of=(1, 2)) == [1]


def written(directory: Path, text: str) -> Path:
    path = directory / "registry.toml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("text", "words", "hint"),
    [
        ("imutable = []", "unknown key 'imutable'", "did you mean immutable?"),
        ("quotas = 5", "unknown key 'quotas'", "did you mean quota?"),
        ("[gc]\ngrase = '1h'", "unknown key 'grase' in gc", "did you mean grace?"),
        ("[[retention]]\nrepositories = 'a'\nkeep-newest = '1d'",
         "unknown key 'keep-newest' in retention", "did you mean keep-newer?"),
        ("zzz = 1", "unknown key 'zzz'", "there is connections, gc, immutable"),
        ("connections = 0", "connections is less than one", "1024"),
    ],
)  # fmt: skip
def test_a_key_that_is_not_known_is_named_with_the_one_that_is_meant(
    tmp_path: Path, text: str, words: str, hint: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        read(str(written(tmp_path, text)))
    assert words in caught.value.message
    assert hint in (caught.value.hint or "")


def test_everything_that_can_be_said(tmp_path: Path) -> None:
    path = written(tmp_path, """
max-blob = "20GB"
stall = "90s"
metrics = "off"
immutable = ["prod/**:v*"]
[[quota]]
repositories = "team/**"
size = "1TB"
[[retention]]
repositories = "nightly/*"
tags = "n-*"
keep-last = 3
keep-newer = "2w"
[gc]
every = "never"
grace = "2h"
untagged = "never"
uploads = "3d"
""")  # fmt: skip

    assert read(str(path)) == Rules(
        max_blob=20 << 30, stall_seconds=90.0, metrics="off", immutable=("prod/**:v*",),
        quotas=(Quota("team/**", 1 << 40),),
        retention=(Retention("nightly/*", "n-*", 3, 14 * DAY),),
        collecting=Collecting(every=None, grace=7200, untagged=None, uploads=3 * DAY),
    )  # fmt: skip


@pytest.mark.parametrize(
    "text",
    ["x", "unknown = 1", 'max-blob = "many"', "max-blob = 5", 'metrics = "friends"',
     'immutable = ["no-tag"]', 'immutable = ["A:b"]', '[gc]\ngrace = "never"', '[gc]\nevery = "1x"',
     '[[quota]]\nrepositories = "a"', '[[quota]]\nrepositories = "a//b"\nsize = "1GB"',
     '[[retention]]\nrepositories = "a"', '[[retention]]\nrepositories = "a"\nkeep-last = -1',
     '[[retention]]\nrepositories = "a"\ntags = "/"\nkeep-last = 1'],
)  # fmt: skip
def test_what_makes_no_sense_is_said_with_the_file(tmp_path: Path, text: str) -> None:
    path = written(tmp_path, text)

    with pytest.raises(InvalidInput, match=r"registry\.toml") as error:
        read(str(path))
    assert error.value.hint


def test_a_file_is_read_again_only_when_it_changed(tmp_path: Path) -> None:
    file = RulesFile(str(tmp_path))
    assert file.rules == Rules()
    assert not file.refresh()

    written(tmp_path, 'max-blob = "1KB"')
    assert file.refresh()
    assert file.rules.max_blob == 1024
    assert not file.refresh()

    written(tmp_path, "nonsense")
    with pytest.raises(InvalidInput):
        file.refresh()
    assert file.rules.max_blob == 1024

    os.unlink(tmp_path / "registry.toml")
    assert file.refresh()
    assert file.rules == Rules()
