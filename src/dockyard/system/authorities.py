"""The certificate authorities that this host trusts: its bundle, which a company's may be in."""

from __future__ import annotations

import os
from collections.abc import Mapping

_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)


def bundle_of(env: Mapping[str, str]) -> str | None:
    """This host's bundle of certificate authorities, if it has one; ``SSL_CERT_FILE`` first."""
    for path in (env.get("SSL_CERT_FILE", ""), *_BUNDLES):
        if path and os.path.isfile(path):
            return os.path.realpath(path)
    return None
