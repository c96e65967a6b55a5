"""What of this host reaches RUN steps without becoming part of the image or of the cache key.

Its certificate authorities, proxies and package mirrors: a network that intercepts TLS, or only
lets a mirror through, is where many people build. Everything is mounted below ``/dev``, which is
a tmpfs of the step, and named by environment variables; the image's own bundle is never covered,
for ``update-ca-certificates`` replaces it by rename.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from dockyard.build.stage import PROXIES

PLACE = "/dev/.dockyard"
_BUNDLE = f"{PLACE}/ca-certificates.crt"
_APT_CONFIG = f"{PLACE}/apt.conf"
_APT_SOURCES = f"{PLACE}/sources.list"
_BUNDLE_VARIABLES = (
    "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "PIP_CERT", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO",
    "NODE_EXTRA_CA_CERTS",
)  # fmt: skip
_MIRROR_VARIABLES = (
    "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_TRUSTED_HOST", "UV_INDEX_URL", "UV_DEFAULT_INDEX",
    "UV_EXTRA_INDEX_URL", "NPM_CONFIG_REGISTRY",
)  # fmt: skip


class HostTrust(msgspec.Struct, frozen=True):
    """Variables, and files by their path in the step: either text or a file of this host."""

    env: dict[str, str]
    texts: dict[str, str]
    binds: dict[str, str]


def describe(
    env: Mapping[str, str], bundle: str | None, sources: str, mirror: str | None
) -> HostTrust:
    """What to give to a step. Pure.

    Args:
        env: this process's environment.
        bundle: path of the host's bundle.
        sources: the image's ``/etc/apt/sources.list``; empty where it has none.
        mirror: a Debian mirror that only this host uses.
    """
    found = {name: env[name] for name in _MIRROR_VARIABLES if _remote(env.get(name, ""))}
    for name in PROXIES:
        for spelled in (name, name.lower()):
            if env.get(spelled):
                found[spelled] = env[spelled]
    texts: dict[str, str] = {}
    binds: dict[str, str] = {}
    settings: list[str] = []
    if bundle is not None:
        binds[_BUNDLE] = bundle
        found |= dict.fromkeys(_BUNDLE_VARIABLES, _BUNDLE)
        settings.append(f'Acquire::https::CaInfo "{_BUNDLE}";')
    if mirror and sources:
        texts[_APT_SOURCES] = mirrored(sources, mirror)
        settings.append(f'Dir::Etc::sourcelist "{_APT_SOURCES}";')
    if settings:
        texts[_APT_CONFIG] = "\n".join(settings) + "\n"
        found["APT_CONFIG"] = _APT_CONFIG
    return HostTrust(found, texts, binds)


def mirrored(sources: str, mirror: str) -> str:
    """A ``sources.list`` with the main archive's address replaced; security stays where it is."""
    lines = []
    for line in sources.splitlines():
        words = line.split()
        position = next((i for i, word in enumerate(words) if "://" in word), None)
        archive = position is not None and words[position].rstrip("/").endswith("/debian")
        if position is not None and archive:
            words[position] = mirror
            lines.append(" ".join(words))
        else:
            lines.append(line)
    return "\n".join(lines) + "\n"


def _remote(value: str) -> bool:
    """Local directories of this host mean nothing inside a step."""
    return bool(value) and "file:" not in value and not value.startswith("/")
