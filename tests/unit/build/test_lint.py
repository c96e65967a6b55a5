"""The checks of ``build --check``: Docker's rules, in Docker's words."""

from __future__ import annotations

import pytest

from dockyard.build.dockerfile.directives import CheckOptions, parse_check
from dockyard.build.dockerfile.ignore import compile_patterns
from dockyard.build.dockerfile.parser import parse
from dockyard.build.lint import Finding, Subject, lint
from dockyard.build.lint_words import DESCRIPTIONS


def check(text: str, options: str = "experimental=all") -> tuple[Finding, ...]:
    subject = Subject(
        dockerfile=parse(text),
        build_args={},
        predefined=frozenset({"TARGETPLATFORM", "HTTP_PROXY"}),
        ignored=compile_patterns("ignored\n", filename=".dockerignore"),
        environment=lambda image: None if image == "unknown" else frozenset({"PATH"}),
    )
    return lint(subject, parse_check(options) if options else CheckOptions())


FOUND = {
    "StageNameCasing": ("FROM a AS Build\n", 1, "Stage name 'Build' should be lowercase"),
    "FromAsCasing": ("FROM a as b\n", 1, "'as' and 'FROM' keywords' casing do not match"),
    "NoEmptyContinuation": ("FROM a\nRUN b \\\n\n  c\n", 4, "Empty continuation line"),
    "ConsistentInstructionCasing": (
        "FROM a\nRUN b\nrun c\n", 3,
        "Command 'run' should match the case of the command majority (uppercase)",
    ),
    "DuplicateStageName": (
        "FROM a AS b\nFROM a AS b\n", 2, 'Duplicate stage name "b", stage names should be unique',
    ),
    "ReservedStageName": (
        "FROM a AS scratch\n", 1,
        'Stage name should not use the same name as reserved stage "scratch"',
    ),
    "JSONArgsRecommended": (
        "FROM a\nENTRYPOINT b\n", 2,
        ("JSON arguments recommended for ENTRYPOINT to prevent unintended behavior related to OS"
        " signals"),
    ),
    "MaintainerDeprecated": (
        "FROM a\nMAINTAINER me\n", 2,
        "Maintainer instruction is deprecated in favor of using label",
    ),
    "UndefinedArgInFrom": ("ARG A=x\nFROM $A$B\n", 2, "FROM argument 'B' is not declared"),
    "UndefinedVar": (
        "FROM a\nENV X=$PAHT\n", 2, "Usage of undefined variable '$PAHT' (did you mean $PATH?)",
    ),
    "MultipleInstructionsDisallowed": (
        'FROM a\nCMD ["b"]\nCMD ["c"]\n', 2,
        ("Multiple CMD instructions should not be used in the same stage because only the last one"
        " will be used"),
    ),
    "LegacyKeyValueFormat": (
        "FROM a\nENV b c\n", 2,
        '"ENV key=value" should be used instead of legacy "ENV key value" format',
    ),
    "SecretsUsedInArgOrEnv": (
        "FROM a\nARG API_KEY\n", 2,
        'Do not use ARG or ENV instructions for sensitive data (ARG "API_KEY")',
    ),
    "InvalidDefaultArgInFrom": (
        "ARG A\nFROM ${A}\n", 2,
        "Default value for ARG ${A} results in empty or invalid base image name",
    ),
    "CopyIgnoredFile": (
        "FROM a\nCOPY ignored /\n", 2,
        'Attempting to COPY file "ignored" that is excluded by .dockerignore',
    ),
    "RedundantTargetPlatform": (
        "FROM --platform=$TARGETPLATFORM a\n", 1,
        ("Setting platform to predefined $TARGETPLATFORM in FROM is redundant as this is the"
        " default behavior"),
    ),
    "WorkdirRelativePath": (
        "FROM a\nWORKDIR b\n", 2,
        'Relative workdir "b" can have unexpected results if the base image changes',
    ),
    "ExposeProtoCasing": (
        "FROM a\nEXPOSE 80/TCP\n", 2,
        "Defined protocol '80/TCP' in EXPOSE instruction should be lowercase",
    ),
    "InvalidDefinitionDescription": (
        "FROM a\n# wrong\nARG b=1\n", 3,
        "Comment for ARG should follow the format: `# b <description>`",
    ),
    "ExposeInvalidFormat": (
        "FROM a\nEXPOSE 127.0.0.1:80:80\n", 2,
        ("EXPOSE instruction should not define an IP address or host-port mapping, found"
        " '127.0.0.1:80:80'"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("rule", DESCRIPTIONS)
def test_each_rule_finds_what_it_is_about(rule: str) -> None:
    text, line, detail = FOUND[rule]
    assert [(each.rule, each.end, each.detail) for each in check(text)] == [(rule, line, detail)]
    assert check(text, f"experimental=all;skip={rule}") == ()


@pytest.mark.parametrize(
    "text",
    ["FROM a AS b\nFROM b\nWORKDIR /x\nWORKDIR y\n", "from a as b\nrun c\n",
     "FROM a\nARG A=1\nENV B=$A C=${D:-x} E=\\$F G='$H'\nRUN echo $I\n", "FROM unknown\nENV A=$B\n",
     "FROM a AS x\nENV A=1\nFROM x\nENV B=$A\n", "FROM a\nENV PUBLIC_KEY=x MONKEY=y\n",
     'FROM a\nSHELL ["/bin/sh", "-c"]\nCMD b\n', "FROM a\nCOPY --from=b ignored /\n",
     "# check=skip=x\nARG A=x\nFROM $A\n",
     "# A is\n# b too\nFROM a AS b\n# free\n\nARG A=1\n#A is\nARG A B\n",
     "# any\nFROM a\n# any\nRUN b\n# C\nARG C\n", "FROM a\nEXPOSE 80/tcp $PATH\n"],
)  # fmt: skip
def test_what_is_right_is_let_be(text: str) -> None:
    assert check(text) == ()


def test_experimental_rules_wait_to_be_asked() -> None:
    text = "FROM a\nCOPY ignored /\n"
    assert check(text, "") == ()
    assert len(check(text, "experimental=CopyIgnoredFile")) == 1


def test_a_finding_names_dockers_page() -> None:
    (found,) = check("FROM a\nCMD b\n")
    assert found.url == "https://docs.docker.com/go/dockerfile/rule/json-args-recommended/"
