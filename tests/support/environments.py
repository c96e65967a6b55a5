"""Real Python environments, installed by steps of a build from packages fetched beforehand."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.support.bases import CACHE
from tests.support.conda_packages import channel_of

from dockyard.state.locks import Lock

OFFLINE = "--no-index --find-links /wheels"
PIP = f"python3 -m venv /opt/venv && /opt/venv/bin/pip install -q {OFFLINE}"
UV = (
    "python3 -m venv --without-pip /opt/venv && python3 -m venv /tmp/uv"
    f" && /tmp/uv/bin/pip install -q {OFFLINE} uv && /tmp/uv/bin/uv pip install -q --no-cache"
    f" --compile-bytecode --python /opt/venv/bin/python {OFFLINE}"
)


@dataclass(frozen=True)
class Environment:
    """What to install and how. ``packages`` are those that must have layers."""

    name: str
    requirements: tuple[str, ...]
    packages: tuple[str, ...]
    install: str = PIP
    after: str = ""
    """More to do in the same step."""
    fetched: tuple[str, ...] = ()
    """What the step needs beside the requirements."""
    sources: tuple[str, ...] = ()
    """Requirements that are fetched as source distributions."""
    before: str = ""
    """A step before, for what is no Python."""
    conda: bool = False
    """The requirements become conda packages."""
    large: bool = False
    """More than tests do every time."""

    def dockerfile(self) -> str:
        """Installs it in one RUN."""
        command = f"{self.install} {' '.join(self.requirements)}{self.after}"
        before = f"RUN {self.before}\n" if self.before else ""
        return (
            f"FROM python:3.11\n{before}RUN --mount=type=bind,from=wheels,target=/wheels {command}"
            " && rm -rf /tmp/* /root/.cache\n"
        )

    def wheels(self) -> Path:
        """The directory with what was fetched; kept below ``.cache``."""
        wanted = repr((self.requirements, self.fetched, self.sources)).encode()
        place = CACHE / "wheels" / f"{self.name}-{hashlib.sha256(wanted).hexdigest()[:8]}"
        place.parent.mkdir(parents=True, exist_ok=True)
        with Lock.acquire(f"{CACHE}/wheels.lock"):
            if not (place / ".complete").exists():
                binaries = [r for r in self.requirements if r not in self.sources]
                _download(place, [*binaries, *self.fetched], "--only-binary=:all:")
                _download(place, self.sources, "--no-deps", "--no-binary=:all:")
                if self.conda:
                    channel_of(place, self.requirements)
                (place / ".complete").touch()
        return place


def _download(place: Path, requirements: Sequence[str], *options: str) -> None:
    if not requirements:
        return
    source = "--no-binary=:all:" in options
    version = () if source else ("--python-version", "3.11", "--implementation", "cp")
    subprocess.run(
        [sys.executable, "-m", "pip", "download", "-q", "-d", place, *version, *options,
         *requirements],
        check=True, stdout=sys.stderr,
    )  # fmt: skip


ENVIRONMENTS = (
    Environment(  # with a package that was changed, and one that was removed, in the same step
        "fastapi", ("fastapi", "uvicorn", "requests"), ("fastapi", "pydantic_core", "requests"),
        after=" && echo '# mine' >> /opt/venv/lib/python3.11/site-packages/requests/api.py"
        " && /opt/venv/bin/python -m compileall -q /opt/venv/lib/python3.11/site-packages/requests"
        " && /opt/venv/bin/pip uninstall -q -y uvicorn && ln -s lib /opt/venv/lib65",
    ),
    Environment(
        "namespaces",
        ("zope.interface", "zope.event", "sphinxcontrib-jsmath", "sphinxcontrib-qthelp", "protobuf",
         "googleapis-common-protos"),
        ("zope.interface", "sphinxcontrib-jsmath", "protobuf", "googleapis-common-protos"),
    ),
    Environment("uv", ("fastapi", "numpy", "rich"), ("numpy", "rich"), UV, fetched=("uv",)),
    Environment(
        "system", ("flask", "PyYAML"), ("PyYAML", "Flask"),
        "python3 -m venv /tmp/venv"
        f" && /tmp/venv/bin/pip install -q --prefix /usr/local {OFFLINE}",
    ),
    Environment(
        "conda", ("numpy", "idna", "click"), ("numpy", "idna"),
        "python3 -m venv /tmp/rattler && cp -r /wheels/channel /tmp/channel"
        f" && /tmp/rattler/bin/pip install -q {OFFLINE} py-rattler"
        " && /tmp/rattler/bin/python /wheels/install.py /tmp/channel /opt/conda",
        fetched=("py-rattler",), conda=True,
    ),
    Environment("torch", ("torch==2.13.0+cpu",), ("torch", "sympy"), large=True),
    Environment("transformers", ("transformers",), ("transformers", "tokenizers"), large=True),
    Environment("onnxruntime", ("onnxruntime",), ("onnxruntime", "numpy"), large=True),
    Environment("scikit-learn", ("scikit-learn",), ("scikit-learn", "scipy"), large=True),
    Environment("jax", ("jax[cpu]",), ("jax", "jaxlib"), large=True),
    Environment(
        "sdist", ("msgpack",), ("msgpack",),
        PIP.replace("--no-index", "--no-index --no-binary msgpack"),
        sources=("msgpack",), fetched=("setuptools", "wheel", "Cython"), large=True,
        before="apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev"
        " python3-dev && rm -rf /var/lib/apt/lists/*",
    ),
)  # fmt: skip
