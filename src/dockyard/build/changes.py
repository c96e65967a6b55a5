"""``--change``: lines of a Dockerfile that change an image's configuration. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from dockyard.build.dockerfile import instructions as ins
from dockyard.build.dockerfile.parser import parse
from dockyard.build.dockerfile.source import located
from dockyard.build.dockerfile.substitution import expanded
from dockyard.build.stage import StageState
from dockyard.errors import InvalidInput
from dockyard.oci.image import ExecutionConfig, ImageConfig

_ALLOWED = (
    ins.Cmd, ins.Entrypoint, ins.Env, ins.Expose, ins.Healthcheck, ins.Label, ins.Onbuild,
    ins.Stopsignal, ins.User, ins.Volume, ins.Workdir,
)  # fmt: skip


def changed(config: ExecutionConfig, lines: Sequence[str]) -> ExecutionConfig:
    """The configuration after the lines, in their order.

    Raises:
        InvalidInput: an instruction that changes more than the configuration.
        BuildError: a line makes no sense.
    """
    if not lines:
        return config
    text = "FROM scratch\n" + "".join(f"{line}\n" for line in lines)
    state = StageState(ImageConfig(architecture="", config=config), 0, 0)
    dockerfile = parse(text, filename="--change")
    if len(dockerfile.stages) > 1:
        raise _not_allowed("FROM")
    for raw in dockerfile.stages[0].instructions:
        if not isinstance(raw, _ALLOWED):
            raise _not_allowed(raw.keyword)
        with located(raw.location):
            step = raw
            if not isinstance(raw, ins.Onbuild):
                step = expanded(raw, state.variables(), dockerfile.escape)
            _apply(state, step)
    return state.config


def _apply(state: StageState, step: ins.Instruction) -> None:
    match step:
        case ins.Workdir():
            state.change(working_dir=state.directory(step.path).rstrip("/") or "/")
        case ins.Onbuild():
            state.change(on_build=(*(state.config.on_build or ()), step.expression))
        case _:
            state.metadata(step)


def _not_allowed(keyword: str) -> InvalidInput:
    allowed = ", ".join(kind.keyword for kind in _ALLOWED)
    return InvalidInput(
        f"{keyword} is not a valid change command", hint=f"--change takes {allowed}"
    )
