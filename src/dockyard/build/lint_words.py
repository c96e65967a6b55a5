"""What the checks of a Dockerfile say: Docker's sentences. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Final

DESCRIPTIONS: Final = {
    "StageNameCasing": "Stage names should be lowercase",
    "FromAsCasing": "The 'as' keyword should match the case of the 'from' keyword",
    "NoEmptyContinuation": "Empty continuation lines will become errors in a future release",
    "ConsistentInstructionCasing": "All commands within the Dockerfile should use the same casing"
    " (either upper or lower)",
    "DuplicateStageName": "Stage names should be unique",
    "ReservedStageName": "Reserved words should not be used as stage names",
    "JSONArgsRecommended": "JSON arguments recommended for ENTRYPOINT/CMD to prevent unintended"
    " behavior related to OS signals",
    "MaintainerDeprecated": "The MAINTAINER instruction is deprecated, use a label instead to"
    " define an image author",
    "UndefinedArgInFrom": "FROM command must use declared ARGs",
    "UndefinedVar": "Variables should be defined before their use",
    "MultipleInstructionsDisallowed": "Multiple instructions of the same type should not be used in"
    " the same stage",
    "LegacyKeyValueFormat": "Legacy key/value format with whitespace separator should not be used",
    "SecretsUsedInArgOrEnv": "Sensitive data should not be used in the ARG or ENV commands",
    "InvalidDefaultArgInFrom": "Default value for global ARG results in an empty or invalid base"
    " image name",
    "CopyIgnoredFile": "Attempting to Copy file that is excluded by .dockerignore",
    "InvalidDefinitionDescription": "Comment for build stage or argument should follow the format:"
    " `# <arg/stage name> <description>`. If this is not intended to be a description comment, add"
    " an empty line or comment between the instruction and the comment.",
    "RedundantTargetPlatform": "Setting platform to predefined $TARGETPLATFORM in FROM is redundant"
    " as this is the default behavior",
    "WorkdirRelativePath": "Relative workdir without an absolute workdir declared within the build"
    " can have unexpected results if the base image changes",
    "ExposeProtoCasing": "Protocol in EXPOSE instruction should be lowercase",
    "ExposeInvalidFormat": "IP address and host-port mapping should not be used in EXPOSE"
    " instruction. This will become an error in a future release",
}
"""Every rule."""

MAINTAINER: Final = "Maintainer instruction is deprecated in favor of using label"


def near(name: str, known: Iterable[str]) -> str:
    """A question after the name that may have been meant, if there is one."""
    close = get_close_matches(name, sorted(known), n=1, cutoff=0.7)
    return f" (did you mean ${close[0]}?)" if close else ""


def legacy(keyword: str) -> str:
    """``ENV name value``."""
    return f'"{keyword} key=value" should be used instead of legacy "{keyword} key value" format'


def json_arguments(keyword: str) -> str:
    """A CMD in shell form."""
    return (
        f"JSON arguments recommended for {keyword} to prevent unintended behavior related to OS"
        " signals"
    )


def relative(path: str) -> str:
    """A first WORKDIR that depends on the image's."""
    return f'Relative workdir "{path}" can have unexpected results if the base image changes'


def ignored(keyword: str, source: str) -> str:
    """A source that ``.dockerignore`` leaves out."""
    return f'Attempting to {keyword} file "{source}" that is excluded by .dockerignore'


def secret(keyword: str, name: str) -> str:
    """A name that looks like a password's."""
    return f'Do not use ARG or ENV instructions for sensitive data ({keyword} "{name}")'


def mapping(port: str) -> str:
    """An EXPOSE written like ``--publish``."""
    return (
        f"EXPOSE instruction should not define an IP address or host-port mapping, found '{port}'"
    )


def protocol(port: str) -> str:
    """``80/TCP``."""
    return f"Defined protocol '{port}' in EXPOSE instruction should be lowercase"
