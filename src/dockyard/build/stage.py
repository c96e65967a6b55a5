"""One stage while it is lowered: its configuration, variables and history. Pure."""

from __future__ import annotations

import os.path
from collections.abc import Mapping, Sequence
from typing import Self

import msgspec

from dockyard.build import history
from dockyard.build.dockerfile import instructions as ins
from dockyard.build.golang import quoted_rune
from dockyard.build.graph import Line
from dockyard.decoding import natural
from dockyard.errors import BuildError, InvalidInput
from dockyard.oci import times
from dockyard.oci.durations import go_duration
from dockyard.oci.image import ExecutionConfig, History, ImageConfig
from dockyard.oci.image import Healthcheck as HealthcheckConfig
from dockyard.oci.platform import Platform
from dockyard.system.signals import signal_number

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
DEFAULT_SHELL = ("/bin/sh", "-c")
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY")
"""Predefined ARGs that stay out of history and cache key; in lower case too."""


_PROTOCOLS = frozenset({"tcp", "udp", "sctp"})
_MAX_PORT = 65535


def is_proxy(name: str) -> bool:
    """True for the predefined proxy variables."""
    return name.upper() in PROXIES


class StageState:
    """What the instructions so far made of the base's configuration."""

    def __init__(self, base: ImageConfig, epoch: int, vertex: int) -> None:
        self.base = base
        self.config = base.config
        self.vertex = vertex
        """The vertex whose filesystem the stage has now."""
        self.epoch = epoch
        self.args: tuple[str, ...] = ()
        """Names of the ARGs so far, those of the stages below included."""
        self._scope = self.environment()
        self.lines: list[Line] = []
        self._command_set = False

    @classmethod
    def on(cls, below: Self) -> Self:
        """A stage that goes on where another one ended: with its variables, too."""
        state = cls(below.base, below.epoch, below.vertex)
        state.config = below.config
        state.lines = list(below.lines)
        state.args = below.args
        state._scope = dict(below._scope)
        return state

    def environment(self) -> dict[str, str]:
        """The image's variables."""
        return dict(entry.partition("=")[::2] for entry in self.config.env)

    def variables(self) -> dict[str, str]:
        """What ``$NAME`` in an instruction means: what ENV or ARG said last."""
        return dict(self._scope)

    def declare(self, name: str, value: str | None) -> None:
        """ARG: from here on the name has the value; ``None`` leaves it as it is."""
        self.args = tuple(dict.fromkeys((*self.args, name)))
        if value is not None:
            self._scope[name] = value

    def shown_arguments(self) -> dict[str, str]:
        """The ARGs with what they mean now, but for the proxies; for the history."""
        return {name: self._scope.get(name, "") for name in self.args if not is_proxy(name)}

    def run_environment(self, given: Mapping[str, str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Variables of a RUN: those its result depends on, and the proxies that it doesn't.

        Args:
            given: the values of ``--build-arg``: proxies need no ARG.
        """
        proxies_given = {name: value for name, value in given.items() if is_proxy(name)}
        merged = {"PATH": DEFAULT_PATH} | proxies_given | self._scope
        plain = tuple(f"{k}={v}" for k, v in merged.items() if not is_proxy(k))
        proxies = tuple(f"{k}={v}" for k, v in merged.items() if is_proxy(k))
        return plain, proxies

    def shell(self, text: str) -> tuple[str, ...]:
        """A shell form as an argument vector."""
        return (*(self.config.shell or DEFAULT_SHELL), text)

    def command(self, command: ins.Command) -> tuple[str, ...]:
        """Either form as an argument vector."""
        if isinstance(command, ins.ExecForm):
            return command.arguments
        return self.shell(command.text)

    def directory(self, path: str) -> str:
        """A path relative to the working directory, made absolute; a final slash is kept."""
        joined = os.path.normpath(os.path.join("/", self.config.working_dir, path))
        absolute = "/" + joined.lstrip("/")
        return absolute + "/" if path.endswith("/") and absolute != "/" else absolute

    def record(self, text: str, vertex: int | None = None) -> None:
        """Adds a line of history."""
        line = History(
            created=times.rfc3339(self.epoch),
            created_by=text,
            comment="dockyard.dockerfile.v1",
            empty_layer=vertex is None,
        )
        self.lines.append(Line(line, vertex))

    def change(self, **fields: object) -> None:
        """Replaces fields of the configuration."""
        self.config = msgspec.structs.replace(self.config, **fields)

    def metadata(self, step: ins.Instruction) -> bool:
        """Applies an instruction that only changes the configuration; False for any other."""
        return self._surroundings(step) or self._execution(step)

    def _surroundings(self, step: ins.Instruction) -> bool:
        """What is around the process."""
        match step:
            case ins.Env():
                self._set_environment({pair.key: pair.value for pair in step.variables})
                self.record("ENV " + _pairs(step.variables))
            case ins.Label():
                labels = {pair.key: pair.value for pair in step.labels}
                self.change(labels=self.config.labels | labels)
                self.record("LABEL " + _pairs(step.labels))
            case ins.User():
                self.change(user=step.user)
                self.record(f"USER {step.user}")
            case ins.Expose():
                ports = _ports(step.ports)
                self.change(exposed_ports=self.config.exposed_ports | ports)
                self.record(history.exposed(ports))
            case ins.Volume():
                volumes: dict[str, dict[str, object]] = {path: {} for path in step.paths}
                self.change(volumes=self.config.volumes | volumes)
                self.record(f"VOLUME [{' '.join(step.paths)}]")
            case ins.Maintainer():
                self.base = msgspec.structs.replace(self.base, author=step.name)
                self.record(f"MAINTAINER {step.name}")
            case _:
                return False
        return True

    def _execution(self, step: ins.Instruction) -> bool:
        """What runs, and how it ends."""
        match step:
            case ins.Stopsignal():
                _check_signal(step.signal)
                self.change(stop_signal=step.signal)
                self.record(f"STOPSIGNAL {step.signal}")
            case ins.Shell():
                self.change(shell=step.arguments)
                self.record(f"SHELL [{' '.join(step.arguments)}]")
            case ins.Cmd():
                self.change(cmd=self.command(step.command) or None)
                self._command_set = True
                self.record(f"CMD {_shown(self.config.cmd)}")
            case ins.Entrypoint():
                self._set_entrypoint(step)
            case ins.Healthcheck():
                self.change(healthcheck=self._healthcheck(step))
                self.record(_shown_health(self.config.healthcheck))
            case ins.Onbuild():  # in no history, as with Docker
                self.change(on_build=(*(self.config.on_build or ()), step.expression))
            case _:
                return False
        return True

    def _set_environment(self, new: Mapping[str, str]) -> None:
        merged = self.environment() | dict(new)
        self._scope |= new
        self.change(env=tuple(f"{name}={value}" for name, value in merged.items()))

    def _set_entrypoint(self, step: ins.Entrypoint) -> None:
        """A new ENTRYPOINT drops a CMD that came with the base, but not one of this stage."""
        self.change(entrypoint=self.command(step.command) or None)
        if not self._command_set:
            self.change(cmd=None)
        self.record(f"ENTRYPOINT {_shown(self.config.entrypoint)}")

    def _healthcheck(self, step: ins.Healthcheck) -> HealthcheckConfig:
        test: tuple[str, ...] = ("NONE",)
        if isinstance(step.command, ins.ExecForm):
            test = ("CMD", *step.command.arguments)
        elif isinstance(step.command, ins.ShellForm):
            test = ("CMD-SHELL", step.command.text)
        return HealthcheckConfig(
            test=test,
            interval=step.interval,
            timeout=step.timeout,
            start_period=step.start_period,
            start_interval=step.start_interval,
            retries=step.retries,
        )


def empty_config(platform: Platform) -> ImageConfig:
    """The configuration that ``FROM scratch`` begins with."""
    env = (f"PATH={DEFAULT_PATH}",)
    config = ExecutionConfig(env=env, working_dir="/")
    return ImageConfig(
        architecture=platform.architecture, os=platform.os, variant=platform.variant, config=config
    )


def _pairs(pairs: Sequence[ins.KeyValue]) -> str:
    return " ".join(f"{pair.key}={pair.value}" for pair in pairs)


def _shown(args: Sequence[str] | None) -> str:
    return "[" + " ".join(msgspec.json.encode(each).decode() for each in args or ()) + "]"


def _shown_health(check: HealthcheckConfig | None) -> str:
    """A health check as Docker's history shows it."""
    if check is None:
        return "HEALTHCHECK"
    test = " ".join(msgspec.json.encode(each).decode() for each in check.test)
    times_ = (check.interval, check.timeout, check.start_period, check.start_interval)
    durations = " ".join(f'"{go_duration(each)}"' for each in times_)
    return f"HEALTHCHECK &{{[{test}] {durations} '{quoted_rune(check.retries)}'}}"


def _check_signal(text: str) -> None:
    try:
        signal_number(text)
    except InvalidInput as error:
        raise BuildError(error.message, hint=error.hint) from error


def _ports(ports: Sequence[str]) -> dict[str, dict[str, object]]:
    """``8000-8002`` and ``53/udp`` as the configuration lists them.

    Raises:
        BuildError: a port is no number or out of range, or the protocol is unknown.
    """
    found: dict[str, dict[str, object]] = {}
    for port in ports:
        numbers, _, protocol = port.partition("/")
        protocol = protocol.lower() or "tcp"
        if protocol not in _PROTOCOLS:
            raise BuildError(
                f"invalid port: {port}: invalid proto: {protocol}", hint="tcp, udp or sctp"
            )
        first, dash, last = numbers.rpartition(":")[2].partition("-")
        begin, end = _port(first, port), _port(last if dash else first, port)
        if begin > end:
            raise BuildError(f"invalid containerPort: {port}", hint="the lower port comes first")
        for number in range(begin, end + 1):
            found[f"{number}/{protocol}"] = {}
    return found


def _port(text: str, whole: str) -> int:
    number = natural(text, _MAX_PORT)
    if number is None:
        raise BuildError(f"invalid containerPort: {whole}", hint="a port is 0 to 65535")
    return number
