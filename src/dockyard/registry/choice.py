"""Which image of an index is for a platform, as Docker chooses. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dockyard.errors import NotFound
from dockyard.oci.image import Descriptor
from dockyard.oci.platform import Platform

_UNKNOWN = "unknown"
_ATTESTATION = "vnd.docker.reference.type"
_BASELINES = {"amd64": 1, "arm": 7, "arm64": 8}
"""What an architecture without a variant means."""
_OLDEST_ARM = 5
_MAX_LISTED = 20


def choose(descriptors: Sequence[Descriptor], wanted: Platform, name: str) -> Descriptor:
    """The descriptor that suits best; of equal ones the first.

    One for an older variant of the processor suits as well, though less, as does a 32-bit one that
    it runs too. One that names no platform suits where no other does. Attestations never do.

    Raises:
        NotFound: none suits.
    """
    real = [each for each in descriptors if not is_attestation(each)]
    order = suitable(wanted)
    ranked = [
        (order.index(platform), number)
        for number, each in enumerate(real)
        if (platform := _platform_of(each)) in order
    ]
    if ranked:
        return real[min(ranked)[1]]
    silent = next((each for each in real if not each.platform.get("architecture")), None)
    if silent is not None:
        return silent
    listed = sorted({str(_platform_of(each)) for each in real})
    there = ", ".join(listed[:_MAX_LISTED]) + (", ..." if len(listed) > _MAX_LISTED else "")
    raise NotFound(
        f"no matching manifest for {wanted} in the manifest list entries of {name}",
        context=f"it has {there or 'none'}",
        hint="--platform names another one, which may run by emulation",
        reference="no-such-platform",
    )


def is_attestation(descriptor: Descriptor) -> bool:
    """True for what vouches for an image, and is none."""
    platform = descriptor.platform
    return _ATTESTATION in descriptor.annotations or (
        platform.get("os") == _UNKNOWN and platform.get("architecture") == _UNKNOWN
    )


def suitable(wanted: Platform) -> list[Platform]:
    """Platforms whose programs run on one, the best first."""
    own, architecture = wanted.os, wanted.architecture
    number = _number(wanted)
    if number is None:
        return [wanted]
    oldest = _OLDEST_ARM if architecture == "arm" else _BASELINES[architecture]
    found = [Platform(architecture, own, f"v{n}") for n in range(number, oldest - 1, -1)]
    if architecture == "arm64":
        found += [Platform("arm", own, f"v{n}") for n in range(8, _OLDEST_ARM - 1, -1)]
    if architecture == "amd64":
        found.append(Platform("386", own))
    return [_normal(each) for each in found]


def _number(platform: Platform) -> int | None:
    """Of a variant; ``None`` where it has none that counts."""
    digits = platform.variant.removeprefix("v")
    if platform.architecture not in _BASELINES or (platform.variant and not digits.isdecimal()):
        return None
    return min(int(digits[:2]), 20) if digits else _BASELINES[platform.architecture]


def _normal(platform: Platform) -> Platform:
    """The same with the variant left out that goes without saying."""
    if platform.architecture != "arm" and _number(platform) == _BASELINES.get(
        platform.architecture
    ):  # fmt: skip
        return Platform(platform.architecture, platform.os)
    if platform.architecture == "arm" and not platform.variant:
        return Platform("arm", platform.os, "v7")
    return platform


def _platform_of(descriptor: Descriptor) -> Platform:
    return _normal(Platform(*map(str, _fields(descriptor.platform))))


def _fields(platform: dict[str, object]) -> Iterable[object]:
    return (platform.get(key) or "" for key in ("architecture", "os", "variant"))
