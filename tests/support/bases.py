"""Base images for tests: made once by the real bootstrap and build, kept below ``.cache``."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import sqlite3
import time
from pathlib import Path

from dockyard import Config, Engine
from dockyard.state.database import Database
from dockyard.state.locks import Lock
from dockyard.state.paths import Paths
from dockyard.system.files import remove_tree

CHECKOUT = Path(__file__).parents[2]
CACHE = CHECKOUT / ".cache"
BASES = ("debian:bookworm", "python:3.11")
_DAY = 86400
_TABLES = ("layers", "images", "image_layers", "names")
"""In the order in which they refer to each other."""

BUSYBOX = """
FROM debian:bookworm AS package
RUN apt-get update && apt-get install -y --no-install-recommends busybox-static
RUN mkdir -p /made/bin /made/etc /made/tmp /made/root && chmod 1777 /made/tmp \\
    && cp /bin/busybox /made/bin/ && chroot /made /bin/busybox --install -s /bin
RUN printf 'root:x:0:0::/root:/bin/sh\\napp:x:1000:1001::/home/app:/bin/sh\\n' > /made/etc/passwd \\
    && printf 'root:x:0:\\nstaff:x:50:app\\napp:x:1001:\\n' > /made/etc/group
FROM scratch
COPY --from=package /made /
CMD ["sh"]
"""


def cached() -> Path:
    """The directory of a root that has the base images; made where it is missing."""
    CACHE.mkdir(exist_ok=True)
    place = CACHE / f"test-images-{_fingerprint()}"
    with Lock.acquire(f"{CACHE}/test-images.lock"):
        if not (place / "complete").exists():
            _forget_old(place)
            _make(place)
            (place / "complete").touch()
        os.utime(place)
    return place


def _fingerprint() -> str:
    """A digest of the code that decides what the images are."""
    images = CHECKOUT / "src" / "dockyard" / "images"
    sources = [
        *sorted(images.glob("boot*.py")),
        *(images / name for name in ("bases.py", "mmdebstrap.py", "tarwriter.py")),
        images.parent / "oci" / "image.py",
    ]
    whole = hashlib.sha256(BUSYBOX.encode())
    for source in sources:
        whole.update(source.read_bytes())
    return whole.hexdigest()[:12]


def _forget_old(place: Path) -> None:
    for other in CACHE.glob("test-images-*"):
        if other == place or time.time() - other.stat().st_mtime > _DAY:
            remove_tree(str(other))


def _make(place: Path) -> None:
    context = place / "busybox"
    context.mkdir(parents=True)
    (context / "Dockerfile").write_text(BUSYBOX)
    with Engine(Config(root=f"{place}/root", run=f"{place}/run")) as engine:
        for base in BASES:
            engine.bootstrap(base)
        engine.build(str(context), tag="busybox")
        engine.database.execute("DELETE FROM cache")  # every test's builds begin anew
        engine.parts.layers.collect()


def furnish(place: Path, paths: Paths) -> None:
    """Gives a new root the cached images: a copy of their records, and the layers by symlink.

    Only the images' own tables are copied, so that the cache outlives changes of all others.

    Layers are immutable, so that sharing them is safe; removing one removes the link.
    """
    paths.prepare()
    Database(paths.database).query("SELECT 1")
    with contextlib.closing(sqlite3.connect(paths.database)) as connection:
        connection.execute("ATTACH ? AS cached", (f"{place}/root/state.db",))
        with connection:
            for table in _TABLES:
                names = ", ".join(_columns(connection, "main", table) & _columns(
                    connection, "cached", table))  # fmt: skip
                connection.execute(f"INSERT INTO main.{table} ({names})"
                                   f" SELECT {names} FROM cached.{table}")  # fmt: skip
    for layer in (place / "root" / "layers").iterdir():
        os.symlink(layer, paths.layer(layer.name))
    for memory in (place / "run").glob("probe-*"):
        shutil.copy2(memory, paths.run)


def _columns(connection: sqlite3.Connection, schema: str, table: str) -> set[str]:
    rows = connection.execute("SELECT name FROM pragma_table_info(?, ?)", (table, schema))
    return {row[0] for row in rows}
