"""Web servers and what belongs to them: nginx, Apache's httpd, Caddy, HAProxy, Node.js. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from dockyard.images.bases import Base, on
from dockyard.images.stock.model import (
    VERSION,
    Account,
    File,
    Service,
    directory,
    execution,
    link,
    script,
)

_CLIENTS = ("curl", "wget")
"""What health checks of compose files call."""
_ENTRYPOINT = "usr/local/bin/docker-entrypoint.sh"


def services() -> Iterator[Base]:
    """All of them, the latest version of each first."""
    yield _nginx("1.26", "trixie")
    yield _nginx("1.22", "bookworm")
    yield _httpd()
    yield _caddy()
    yield _haproxy("3.0", "trixie")
    yield _haproxy("2.6", "bookworm")
    yield _node("20", "trixie")
    yield _node("18", "bookworm")


_NGINX_PACKAGES = ("nginx", "libnginx-mod-stream", "libnginx-mod-mail", "gettext-base")
_NGINX_SCRIPTS = (
    "10-listen-on-ipv6-by-default.sh", "15-local-resolvers.envsh",
    "20-envsubst-on-templates.sh", "30-tune-worker-processes.sh",
)  # fmt: skip


def _nginx(version: str, suite: str) -> Base:
    return on(
        suite, tag=version, series=version, packages=(*_NGINX_PACKAGES, *_CLIENTS),
        service=Service(
            repository="nginx",
            program="nginx",
            accounts=(Account("nginx", 101, "/nonexistent", "/bin/false"),),
            steps=(
                "rm -rf /etc/nginx/sites-* /etc/nginx/snippets /var/www /var/lib/nginx",
                "rm -rf /usr/share/nginx/html /etc/nginx/modules-enabled/*",
                directory("/etc/nginx/conf.d"),
                directory("/docker-entrypoint.d"),
                directory("/var/cache/nginx", "nginx"),
                link("/var/lib/nginx", "/var/cache/nginx"),
                directory("/var/log/nginx"),
            ),
            files=(
                script("docker-entrypoint.sh", "nginx/docker-entrypoint.sh"),
                script("usr/local/sbin/nginx", "nginx/nginx"),
                *(script(f"docker-entrypoint.d/{name}", f"nginx/{name}")
                  for name in _NGINX_SCRIPTS),
                File("etc/nginx/nginx.conf", "nginx/nginx.conf"),
                File("etc/nginx/conf.d/default.conf", "nginx/default.conf"),
                File("usr/share/nginx/default.conf", "nginx/default.conf"),
                File("usr/share/nginx/html/index.html", "nginx/index.html"),
                File("usr/share/nginx/html/50x.html", "nginx/50x.html"),
            ),
            links=(("var/log/nginx/access.log", "/dev/stdout"),
                   ("var/log/nginx/error.log", "/dev/stderr")),
            execution=execution(
                entrypoint=("/docker-entrypoint.sh",),
                cmd=("nginx", "-g", "daemon off;"),
                env={"NGINX_VERSION": VERSION},
                ports=("80/tcp",),
                stop_signal="SIGQUIT",
            ),
        ),
    )  # fmt: skip


def _httpd() -> Base:
    root = "/usr/local/apache2"
    return on(
        "trixie", tag="2.4", series="2.4",
        packages=("apache2-bin", "apache2-utils", "media-types", *_CLIENTS),
        service=Service(
            repository="httpd",
            program="apache2-bin",
            steps=(
                *(directory(f"{root}/{name}") for name in ("bin", "conf", "htdocs", "cgi-bin")),
                directory(f"{root}/logs", "www-data"),
                link(f"{root}/modules", "/usr/lib/apache2/modules"),
                link(f"{root}/conf/mime.types", "/etc/mime.types"),
                link("/usr/local/bin/httpd", f"{root}/bin/httpd"),
            ),
            files=(
                script(f"{root}/bin/httpd", "httpd/httpd"),
                script("usr/local/bin/httpd-foreground", "httpd/httpd-foreground"),
                File(f"{root}/conf/httpd.conf".lstrip("/"), "httpd/httpd.conf"),
                File(f"{root}/htdocs/index.html".lstrip("/"), "httpd/index.html"),
            ),
            execution=execution(
                cmd=("httpd-foreground",),
                env={"HTTPD_PREFIX": root, "HTTPD_VERSION": VERSION},
                ports=("80/tcp",),
                directory=root,
                stop_signal="SIGWINCH",
            ),
            paths=(f"{root}/bin",),
        ),
    )  # fmt: skip


def _caddy() -> Base:
    return on(
        "trixie", tag="2.6", series="2.6", packages=("caddy", *_CLIENTS),
        service=Service(
            repository="caddy",
            program="caddy",
            steps=(*map(directory, ("/config/caddy", "/data/caddy", "/srv")),),
            files=(
                File("etc/caddy/Caddyfile", "caddy/Caddyfile"),
                File("usr/share/caddy/index.html", "caddy/index.html"),
            ),
            execution=execution(
                cmd=("caddy", "run", "--config", "/etc/caddy/Caddyfile", "--adapter", "caddyfile"),
                env={"CADDY_VERSION": f"v{VERSION}", "XDG_CONFIG_HOME": "/config",
                     "XDG_DATA_HOME": "/data"},
                ports=("80/tcp", "443/tcp", "443/udp", "2019/tcp"),
                directory="/srv",
            ),
        ),
    )  # fmt: skip


def _haproxy(version: str, suite: str) -> Base:
    return on(
        suite, tag=version, series=version, packages=("haproxy",),
        service=Service(
            repository="haproxy",
            program="haproxy",
            steps=(
                "groupmod -g 99 haproxy", "usermod -u 99 -g 99 haproxy",
                directory("/var/lib/haproxy", "haproxy"),
                directory("/usr/local/etc/haproxy"),
                link("/usr/local/etc/haproxy/errors", "/etc/haproxy/errors"),
            ),
            files=(script(_ENTRYPOINT, "haproxy/docker-entrypoint.sh"),),
            execution=execution(
                entrypoint=("docker-entrypoint.sh",),
                cmd=("haproxy", "-f", "/usr/local/etc/haproxy/haproxy.cfg"),
                env={"HAPROXY_VERSION": VERSION},
                user="haproxy",
                directory="/var/lib/haproxy",
                stop_signal="SIGUSR1",
            ),
        ),
    )  # fmt: skip


def _node(version: str, suite: str) -> Base:
    return on(
        suite, tag=version, series=version, packages=("nodejs", "npm"),
        service=Service(
            repository="node",
            program="nodejs",
            accounts=(Account("node", 1000, "/home/node", "/bin/bash"),),
            steps=(directory("/home/node", "node"),),
            files=(script(_ENTRYPOINT, "node/docker-entrypoint.sh"),),
            execution=execution(
                entrypoint=("docker-entrypoint.sh",),
                cmd=("node",),
                env={"NODE_VERSION": VERSION},
            ),
        ),
    )  # fmt: skip
