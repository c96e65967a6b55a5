"""`make demo-serve` as a user has it: nothing fails but the bad canary, and there is a picture."""

from __future__ import annotations

import os
import subprocess
import sys
from xml.etree import ElementTree as ET

import pytest
from tests.support.bases import CHECKOUT
from tests.support.roots import Root

pytestmark = pytest.mark.skipif(
    not os.environ.get("DOCKYARD_SOAK"), reason="make soak does it: it takes minutes"
)
PICTURE = CHECKOUT / ".cache" / "demo-serve.svg"


def test_the_demo_goes_from_none_to_eight_and_back_without_a_failure(root: Root) -> None:
    PICTURE.unlink(missing_ok=True)
    done = subprocess.run(
        [sys.executable, "scripts/demo-serve"], cwd=CHECKOUT, env=root.environment(),
        capture_output=True, text=True,
    )  # fmt: skip
    root.cli("compose", "-f", str(CHECKOUT / "examples/serve-demo/compose.yaml"), "down")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "failed: 0"
    assert "rolled-back" in done.stdout
    picture = ET.parse(PICTURE).getroot()
    assert picture.tag == "{http://www.w3.org/2000/svg}svg"
    assert {"burst", "rolled back", "silence"} <= {*picture.itertext()}
