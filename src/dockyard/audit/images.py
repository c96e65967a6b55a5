"""Section 4 of the benchmark: how an image was made. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dockyard.audit.model import Finding, ImageFacts, Level
from dockyard.oci.image import ImageConfig

_SECRET_NAME = re.compile(
    r"(?:^|_)(?:PASSWORD|PASSWD|SECRET|TOKEN|API_?KEY|ACCESS_?KEY|PRIVATE_?KEY|CREDENTIALS?)(?:_|$)"
)
_SECRET_VALUE = re.compile(r"AKIA[0-9A-Z]{16}|gh[pousr]_\w{36}|sk-[\w-]{20,}|-----BEGIN .*KEY-----")
_UPDATE_ALONE = re.compile(
    r"^(?:RUN )?(?:\|\d+ .*?)?(?:/bin/sh -c )?(?:apt-get|apt|apk|yum|dnf) update\s*(?:-\S+\s*)*"
    r"(?:# buildkit)?$"
)
_ADDED = re.compile(r"^(?:/bin/sh -c #\(nop\) )?ADD (?!--checksum)(?P<what>.*)")
_ARCHIVE = re.compile(r"\.(?:tar(?:\.\w+)?|t[gbx]z|zst)\b")
_SHOWN = 5
_WIDTH = 60


def findings(config: ImageConfig, facts: ImageFacts) -> list[Finding]:
    """What to mend in how an image is built."""
    rules = (_user, _health, _secrets, _history, _setuid)
    return [finding for rule in rules for finding in rule(config, facts)]


def _finding(facts: ImageFacts, rule: str, level: Level, message: str, mend: str) -> Finding:
    return Finding(rule=rule, level=level, kind="image", subject=facts.name, message=message,
                   mend=mend)  # fmt: skip


def _user(config: ImageConfig, facts: ImageFacts) -> Iterator[Finding]:
    if config.config.user.partition(":")[0] in {"", "0", "root"}:
        yield _finding(facts, "4.1", "medium", "its containers run as root",
                       "make a user in the Dockerfile and name it by USER")  # fmt: skip


def _health(config: ImageConfig, facts: ImageFacts) -> Iterator[Finding]:
    check = config.config.healthcheck
    if check is None or check.test[:1] == ("NONE",):
        yield _finding(facts, "4.6", "low", "nothing checks the health of its containers",
                       "add HEALTHCHECK to the Dockerfile")  # fmt: skip


def _secrets(config: ImageConfig, facts: ImageFacts) -> Iterator[Finding]:
    mend = "give it by RUN --mount=type=secret or at run time, and change it: it is known now"
    for entry in config.config.env:
        name, _, value = entry.partition("=")
        if value and (_SECRET_NAME.search(name.upper()) or _SECRET_VALUE.search(value)):
            yield _finding(facts, "4.10", "high", f"ENV {name} seems to hold a secret", mend)
    for line in config.history:
        if _SECRET_VALUE.search(line.created_by):
            word = line.created_by.split()[0] if line.created_by.split() else "a step"
            yield _finding(facts, "4.10", "high", f"its history shows a secret in {word}", mend)


def _history(config: ImageConfig, facts: ImageFacts) -> Iterator[Finding]:
    for line in config.history:
        if _UPDATE_ALONE.match(line.created_by):
            yield _finding(facts, "4.7", "low", "a step only updates the package lists, so a later"
                           " one may install old packages",
                           "update and install in one RUN")  # fmt: skip
        added = _ADDED.match(line.created_by)
        if added and not _ARCHIVE.search(added["what"]):
            yield _finding(facts, "4.9", "low", f"ADD {_short(added['what'])}",
                           "use COPY for files, ADD --checksum for what is fetched")  # fmt: skip


def _setuid(_config: ImageConfig, facts: ImageFacts) -> Iterator[Finding]:
    if facts.setuid:
        names = ", ".join(facts.setuid[:_SHOWN])
        more = len(facts.setuid) - _SHOWN
        rest = f" and {more} more" if more > 0 else ""
        yield _finding(facts, "4.8", "low", f"programs with setuid or setgid: {names}{rest}",
                       "RUN chmod a-s them, or remove them; run's no_new_privileges disarms"
                       " them too")  # fmt: skip


def _short(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= _WIDTH else words[: _WIDTH - 1] + "…"
