"""The command `milvus-lite`, with metrics for Prometheus on port 9091 beside it."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator

from milvus_lite.cmdline import main
from prometheus_client import REGISTRY, start_http_server
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

DATA = "/data"
METRICS_PORT = 9091


class DataSize(Collector):
    """How much the database has on disk."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """One gauge, measured when it is asked for."""
        size = sum(_size(os.path.join(directory, name))
                   for directory, _, names in os.walk(DATA) for name in names)  # fmt: skip
        yield GaugeMetricFamily("milvus_data_bytes", "Bytes of all files below /data.", value=size)


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except FileNotFoundError:  # compacted away meanwhile
        return 0


def is_up(port: int = 19530) -> bool:
    """True where the server takes connections; what the health check runs."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=2).close()
    except OSError:
        return False
    return True


if __name__ == "__main__":
    if sys.argv[1:] == ["check"]:
        sys.exit(0 if is_up() else 1)
    REGISTRY.register(DataSize())
    start_http_server(METRICS_PORT)
    sys.exit(main())
