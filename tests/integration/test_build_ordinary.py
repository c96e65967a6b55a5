"""Ordinary Dockerfiles that ask for rights: they build as they do with Docker.

Packages come from the distribution's mirror, as in the base images' own builds.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from tests.integration.test_build import Context

from dockyard import Engine


@pytest.fixture
def context(engine: Engine, tmp_path: Path) -> Context:
    return Context(engine, tmp_path)


def test_sudo_mknod_and_update_ca_certificates(context: Context) -> None:
    """Three of the things that a sandbox too tight would break, in one build for its packages.

    A plain user becomes root by sudo; a package's script makes a device; the image's own bundle
    of authorities is replaced by rename, and has a new authority afterwards.
    """
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-subj", "/CN=authority of a test", "-days", "2",
         "-keyout", context.path / "key", "-out", context.path / "own.crt"],
        check=True, capture_output=True,
    )  # fmt: skip
    package = context.path / "package" / "DEBIAN"
    package.mkdir(parents=True)
    context.write("package/DEBIAN/control", "Package: nodes\nVersion: 1\nArchitecture: all\n"
                  "Maintainer: a <a@example.org>\nDescription: makes devices\n")  # fmt: skip
    context.write(
        "package/DEBIAN/postinst",
        "#!/bin/sh\nset -e\nmkdir -p /srv/dev\nmknod -m 666 /srv/dev/null c 1 3\n"
        "mknod /srv/dev/pipe p\nmknod /srv/dev/loop b 7 0\nchown nobody /srv/dev/null\n",
        mode=0o755,
    )
    context.build(
        "FROM debian:bookworm\n"
        "RUN apt-get update && apt-get install -y --no-install-recommends sudo ca-certificates"
        " && rm -rf /var/lib/apt/lists/*\n"
        "RUN useradd -m plain && echo 'plain ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/plain\n"
        "COPY own.crt /usr/local/share/ca-certificates/own.crt\n"
        "COPY package /tmp/package\n"
        "USER plain\n"
        "RUN id -un > /tmp/who && sudo id -un >> /tmp/who && sudo -u nobody id -un >> /tmp/who\n"
        "RUN sudo update-ca-certificates 2>&1 | grep '1 added'\n"
        "RUN sudo dpkg-deb -b /tmp/package /tmp/nodes.deb && sudo dpkg -i /tmp/nodes.deb\n"
    )

    assert context.show(
        "cat /tmp/who; stat -c '%F %t:%T %a %U' /srv/dev/null /srv/dev/loop /srv/dev/pipe;"
        " ls -l /etc/ssl/certs/own.pem | wc -l;"
        " tail -n +1 /usr/local/share/ca-certificates/own.crt | sed -n 2p"
        " | xargs -I@ grep -c @ /etc/ssl/certs/ca-certificates.crt; stat -c %F /etc/hostname"
        " /etc/ssl/certs/ca-certificates.crt; ls -A /dev/.dockyard 2>/dev/null | wc -l"
    ) == [
        "plain", "root", "nobody",
        "character special file 1:3 666 nobody", "block special file 7:0 644 root",
        "fifo 0:0 644 root", "1", "1", "regular file", "regular file", "0",
    ]  # fmt: skip
