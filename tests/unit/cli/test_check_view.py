"""What ``build`` says of the checks in the end."""

from __future__ import annotations

from dockyard.cli.check_view import summary


def test_a_build_without_findings_says_nothing() -> None:
    assert summary([]) == ""


def test_findings_are_counted_and_listed_as_docker_does() -> None:
    one, two = "StageNameCasing: x (line 1)", "FromAsCasing: y (line 2)"

    assert summary([one]) == (
        "\n 1 warning found (use dockyard build --check to expand):\n"
        " - StageNameCasing: x (line 1)\n"
    )
    assert summary([one, two]).splitlines()[1:] == [
        " 2 warnings found (use dockyard build --check to expand):", f" - {one}", f" - {two}",
    ]  # fmt: skip
