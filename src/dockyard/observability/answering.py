"""Whether a program answers over HTTP."""

from __future__ import annotations

import urllib.error
import urllib.request

_SECONDS = 5


def answers(url: str) -> bool:
    """True where a GET is answered within 5 seconds, with a status below 500; no proxy is asked."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=_SECONDS):
            return True
    except urllib.error.HTTPError as error:
        return error.code < 500
    except OSError:
        return False
