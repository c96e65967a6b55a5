"""The server's certificate: read at the start, and again when it was renewed."""

from __future__ import annotations

import os
import ssl

from dockyard.errors import InvalidInput


class Certificate:
    """A certificate with its key, in files that somebody else renews."""

    def __init__(self, certificate: str, key: str) -> None:
        """Reads them.

        Raises:
            InvalidInput: they can't be read, or don't belong together.
        """
        self._files = (certificate, key)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2
        self.context.set_alpn_protocols(["http/1.1"])
        self._seen: tuple[tuple[int, int], ...] = ()
        self.refresh()

    def refresh(self) -> bool:
        """Reads them anew if they have changed; connections that are made from then on see it.

        Raises:
            InvalidInput: they make no sense; the old ones stay in use.
        """
        try:
            seen = tuple((found.st_ino, found.st_mtime_ns) for found in map(os.stat, self._files))
            if seen == self._seen:
                return False
            # A pair that doesn't fit must not replace one that does, so it is tried out first.
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(*self._files)
            self.context.load_cert_chain(*self._files)
        except OSError as error:  # ssl.SSLError is one
            raise InvalidInput(
                f"{' and '.join(self._files)} can't be used: {error.strerror or error}",
                hint="a certificate (with those between it and its authority) and its key, in PEM",
            ) from error
        self._seen = seen
        return True
