from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockyard.build.chmod import changed
from dockyard.errors import BuildError


@pytest.mark.parametrize(
    ("mode", "change", "directory", "result"),
    [
        (0o644, "", False, 0o644), (0o644, "755", False, 0o755), (0o644, "4711", False, 0o4711),
        (0o644, "u=rwX,go=rX", False, 0o644), (0o644, "u=rwX,go=rX", True, 0o755),
        (0o744, "a+X", False, 0o755), (0o777, "go-w", False, 0o755), (0o755, "a-x", False, 0o644),
        (0o755, "u+s", False, 0o4755), (0o755, "g+s", True, 0o2755), (0o777, "+t", True, 0o1777),
        (0o600, "u=,g=r", False, 0o040), (0o644, "75", False, 0o075), (0o644, "7", False, 0o007),
        (0o640, "o=g", False, 0o644), (0o644, "u+x-w,go=", False, 0o500),
        (0o644, "o+t", False, 0o644), (0o644, "u+t", False, 0o1644), (0o644, "o+s", False, 0o644),
    ],
)  # fmt: skip
def test_octal_and_symbolic(mode: int, change: str, directory: bool, result: int) -> None:
    assert changed(mode, change, directory=directory) == result


@pytest.mark.parametrize("change", ["rwx", "u~x", "9", "u=rw;x", "u=rwz", "u+x,", "888", "777777"])
def test_others_are_refused(change: str) -> None:
    with pytest.raises(BuildError, match="invalid chmod parameter"):
        changed(0o644, change, directory=False)


CLAUSES = st.builds(
    "{}{}{}".format, st.sampled_from(["u", "g", "o", "a", "ug"]), st.sampled_from("+-="),
    st.sampled_from(["r", "w", "x", "rw", "rx", "rwx", "X"]),
)  # fmt: skip


@given(st.integers(0, 0o777), st.lists(CLAUSES, min_size=1, max_size=3))
def test_it_does_what_chmod_does(
    tmp_path_factory: pytest.TempPathFactory, mode: int, clauses: list[str]
) -> None:
    change = ",".join(clauses)
    file: Path = tmp_path_factory.getbasetemp() / "chmod"
    file.touch()
    file.chmod(mode)
    subprocess.run(["chmod", change, file], check=True)

    assert changed(mode, change, directory=False) == file.stat().st_mode & 0o7777
