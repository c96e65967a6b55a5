"""Base images for tests: made once by the real bootstrap and build, kept below ``.cache``."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import sqlite3
import time
from collections.abc import Callable
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
_COPY_ORDER = """
    INSERT OR IGNORE INTO main.image_layers (image_id, position, layer_id)
    SELECT used.image_id, used.position, own.id
    FROM cached.image_layers AS used
    JOIN cached.layers AS theirs ON theirs.id = used.layer_id
    JOIN main.layers AS own ON own.id = theirs.id OR own.diff_id = theirs.diff_id
"""
"""Which layers an image has, by the names that they have in the root."""

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
    return kept("test-images", _fingerprint(), _make)


def kept(kind: str, fingerprint: str, make: Callable[[Path], None]) -> Path:
    """A directory below ``.cache`` that is made once; those with other fingerprints go."""
    CACHE.mkdir(exist_ok=True)
    place = CACHE / f"{kind}-{fingerprint}"
    with Lock.acquire(f"{CACHE}/{kind}.lock"):
        if not (place / "complete").exists():
            _forget_old(place)
            make(place)
            (place / "complete").touch()
        os.utime(place)
    return place


def stocked(*names: str) -> Path:
    """The directory of a root that has these services' images, and those of earlier calls."""
    CACHE.mkdir(exist_ok=True)
    place = CACHE / f"test-stock-{_fingerprint('stock/**/*')}"
    with Lock.acquire(f"{CACHE}/test-stock.lock"):
        if not place.exists():
            _forget_old(place)
        with Engine(Config(root=f"{place}/root", run=f"{place}/run")) as engine:
            for name in names:
                engine.bootstrap(name)
        os.utime(place)
    return place


def _fingerprint(*more: str) -> str:
    """A digest of the code that decides what the images are."""
    images = CHECKOUT / "src" / "dockyard" / "images"
    sources = [
        *sorted(images.glob("boot*.py")),
        *(
            path
            for pattern in more
            for path in sorted(images.glob(pattern))
            if path.is_file() and path.suffix != ".pyc"
        ),
        *(images / name for name in ("bases.py", "mmdebstrap.py", "tarwriter.py")),
        images.parent / "oci" / "image.py",
    ]
    whole = hashlib.sha256(BUSYBOX.encode())
    for source in sources:
        whole.update(source.read_bytes())
    return whole.hexdigest()[:12]


def _forget_old(place: Path) -> None:
    for other in CACHE.glob(f"{place.name.rpartition('-')[0]}-*"):
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
    """Gives a root the cached images: a copy of their records, and the layers by symlink.

    Only the images' own tables are copied, so that the cache outlives changes of all others.
    Layers are immutable, so that sharing them is safe; removing one removes the link. A layer
    that the root has already, from another cache and by another name, is used as it is.
    """
    paths.prepare()
    Database(paths.database).query("SELECT 1")
    with contextlib.closing(sqlite3.connect(paths.database)) as connection:
        connection.execute("ATTACH ? AS cached", (f"{place}/root/state.db",))
        with connection:
            for table in ("layers", "images"):
                _copy(connection, table)
            connection.execute(_COPY_ORDER)
            _copy(connection, "names")
        layers = {row[0] for row in connection.execute("SELECT id FROM layers")}
    for layer in (place / "root" / "layers").iterdir():
        if layer.name in layers and not os.path.lexists(paths.layer(layer.name)):
            os.symlink(layer, paths.layer(layer.name))
    for memory in (place / "run").glob("probe-*"):
        shutil.copy2(memory, paths.run)


def _copy(connection: sqlite3.Connection, table: str) -> None:
    """Copies the columns that both have."""
    names = ", ".join(_columns(connection, "main", table) & _columns(connection, "cached", table))
    connection.execute(
        f"INSERT OR IGNORE INTO main.{table} ({names}) SELECT {names} FROM cached.{table}"
    )


def _columns(connection: sqlite3.Connection, schema: str, table: str) -> set[str]:
    rows = connection.execute("SELECT name FROM pragma_table_info(?, ?)", (table, schema))
    return {row[0] for row in rows}
