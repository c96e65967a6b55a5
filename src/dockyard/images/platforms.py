"""What an image runs on, against what somebody asked for. Pure but for the host's own."""

from __future__ import annotations

from dockyard.errors import NotFound
from dockyard.oci.image import ImageConfig
from dockyard.oci.platform import Platform
from dockyard.system import host


def here() -> Platform:
    """This host's."""
    return Platform(host.architecture())


def wanted(text: str | None) -> Platform:
    """``--platform``; this host's where it isn't given.

    Raises:
        InvalidInput: there is no such platform.
    """
    return here() if text is None else Platform.parse(text, here())


def of(config: ImageConfig) -> Platform:
    """An image's."""
    return Platform(config.architecture or here().architecture, config.os, config.variant)


def fits(config: ImageConfig, asked: Platform) -> bool:
    """Whether an image is for that platform; one asked for without a variant has any."""
    own = of(config)
    same = (own.architecture, own.os) == (asked.architecture, asked.os)
    return same and asked.variant in {"", own.variant}


def require(config: ImageConfig, name: str, text: str | None, *, exit_code: int = 1) -> None:
    """Makes sure that an image is for the platform that was asked for, if one was.

    Raises:
        NotFound: it is for another one.
        InvalidInput: there is no such platform.
    """
    if text is None or fits(config, wanted(text)):
        return
    raise NotFound(
        f"image with reference {name} was found but its platform ({of(config)}) does not match"
        f" the specified platform ({wanted(text)})",
        hint="build the image for that platform, or leave --platform out",
        exit_code=exit_code,
    )
