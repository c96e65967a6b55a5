"""How long is a build when nothing changed?"""

from __future__ import annotations

from bench.question import IMAGE, Question, build_options
from bench.tools import Tool

_DIRECTORY = "/tmp/dockyard-bench-rebuild"
_TAG = "localhost/bench-rebuild:latest"
_DOCKERFILE = f"""\
FROM {IMAGE} AS model
RUN mkdir /model && echo weights > /model/weights

FROM {IMAGE}
ENV PYTHONUNBUFFERED=1
WORKDIR /app
COPY requirements.txt .
RUN sort requirements.txt > installed.txt
COPY --from=model /model /app/model
COPY app app
RUN python -m compileall -q app
USER 1000
CMD ["python", "-m", "app"]
"""


class Rebuild(Question):
    """Two stages, 300 files of context, every step cached."""

    title = "rebuild, nothing changed"

    def prepare(self, tool: Tool) -> None:
        modules = {f"app/module_{n}.py": f"ANSWER = {n}\n" * 50 for n in range(300)}
        files = {"Dockerfile": _DOCKERFILE, "requirements.txt": "numpy\nonnxruntime\n"}
        tool.place(_DIRECTORY, files | modules)
        self.measure(tool)

    def measure(self, tool: Tool) -> float:
        return tool.time("build", "-q", *build_options(tool), "-t", _TAG, _DIRECTORY).seconds

    def clean(self, tool: Tool) -> None:
        tool.call("rmi", "-f", _TAG, check=False)
        tool.shell(("rm", "-rf", _DIRECTORY))
