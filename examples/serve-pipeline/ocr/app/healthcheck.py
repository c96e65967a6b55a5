"""What HEALTHCHECK runs: exit status 0 if the server in this container is ready, else 1."""

from __future__ import annotations

import sys
from http.client import HTTPConnection, HTTPException


def ready(port: int = 8000) -> bool:
    """Ask the server, which must answer within 2 seconds."""
    connection = HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(0 if ready() else 1)
