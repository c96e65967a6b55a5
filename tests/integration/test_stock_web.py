"""nginx and Prometheus from Debian's packages do what the official images do."""

from __future__ import annotations

import json
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.support.roots import Root
from tests.support.waiting import until

from dockyard import Mount, Options, RunningContainer

MakeStock = Callable[..., Root]
NGINX = "nginx:1.26"
PROMETHEUS = "prom/prometheus:v2.42"
CONFIGURATION = """\
global: {scrape_interval: 1s}
scrape_configs:
  - job_name: itself
    static_configs: [{targets: ["localhost:9090"]}]
"""


def ask(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return str(answer.read().decode())


def test_nginx_serves_and_logs_where_containers_do(stock: MakeStock) -> None:
    with stock(NGINX).engine() as engine, engine.run("nginx:alpine", ports={80: 0}) as container:
        assert "Welcome to nginx!" in ask(container.wait_until_ready())
        until(lambda: '"GET / HTTP/1.1" 200' in container.logs())
        assert "Configuration complete; ready for start up" in container.logs()
        assert container.exec(["nginx", "-t"])[0] == 0
        _, workers = container.exec(["sh", "-c", "stat -c %u /proc/[0-9]* | sort -u"])
        assert workers.split() == ["0", "101"]
        assert container.stop() == 0


def test_templates_take_variables_and_leave_those_of_nginx(
    stock: MakeStock, tmp_path: Path
) -> None:
    (tmp_path / "default.conf.template").write_text(
        'server { listen ${PORT}; location / { return 200 "${WHO} at $uri"; } }\n'
    )
    (tmp_path / "raw.conf.stream-template").write_text(
        'server { listen 9000; return "${WHO} as it comes"; }\n'
    )
    with stock(NGINX).engine() as engine, engine.run(
        "nginx:stable", ports={8080: 0}, env={"PORT": "8080", "WHO": "harbour"},
        volumes={str(tmp_path): "/etc/nginx/templates:ro"},
    ) as container:  # fmt: skip
        assert ask(f"{container.wait_until_ready()}/pier") == "harbour at /pier"
        assert container.exec(["curl", "-s", "telnet://localhost:9000"]) == (
            0,
            "harbour as it comes",
        )
        assert container.exec(["nginx", "-s", "reload"])[0] == 0


def test_a_configuration_for_the_official_image_works_on_a_root_that_is_read_only(
    stock: MakeStock, tmp_path: Path
) -> None:
    (tmp_path / "nginx.conf").write_text(
        "user nginx;\nevents {}\npid /var/run/nginx.pid;\nmail {}\nhttp {\n"
        "  include /etc/nginx/mime.types;\n"
        "  server { listen 80; root /usr/share/nginx/html; }\n}\n"
    )
    mounts = tuple(Mount(kind="tmpfs", target=path) for path in ("/var/cache/nginx", "/run"))
    with stock(NGINX).engine() as engine, engine.run(
        "nginx:1.26", ports={80: 0}, options=Options(read_only=True, mounts=mounts),
        volumes={str(tmp_path / "nginx.conf"): "/etc/nginx/nginx.conf:ro"},
    ) as container:  # fmt: skip
        assert "Welcome to nginx!" in ask(container.wait_until_ready())
        own = "load_module modules/ngx_stream_module.so;\nevents {}\nstream {}\n"
        (tmp_path / "nginx.conf").write_text(own)
        assert container.exec(["nginx", "-t", "-g", "user nginx;"])[0] == 0, "it isn't loaded twice"


@pytest.mark.long
def test_prometheus_scrapes_itself_and_keeps_what_it_saw(stock: MakeStock, tmp_path: Path) -> None:
    (tmp_path / "prometheus.yml").write_text(CONFIGURATION)
    volumes = {str(tmp_path / "prometheus.yml"): "/etc/prometheus/prometheus.yml:ro",
               "samples": "/prometheus"}  # fmt: skip
    with stock(PROMETHEUS).engine() as engine:
        with engine.run("prom/prometheus:latest", ports={9090: 0}, volumes=volumes) as first:
            first.wait_until_ready("/-/ready")
            began = until(lambda: value_of(first, "min_over_time(timestamp(up)[1h:1s])"))
            _, status = first.exec(["grep", "^Uid:", "/proc/1/status"])
            assert status.split()[1] == "65534"
            assert first.exec(["wget", "-q", "--spider", "localhost:9090/-/healthy"])[0] == 0
        with engine.run("prom/prometheus", ports={9090: 0}, volumes=volumes) as second:
            second.wait_until_ready("/-/ready")
            assert value_of(second, "min_over_time(timestamp(up)[1h:1s])") == began


def test_prometheus_is_configured_to_look_at_itself(stock: MakeStock) -> None:
    with stock(PROMETHEUS).engine() as engine, engine.run(
        "prom/prometheus", ports={9090: 0}
    ) as container:  # fmt: skip
        address = f"{container.wait_until_ready('/-/ready')}/api/v1/targets"
        (target,) = until(lambda: json.loads(ask(address))["data"]["activeTargets"])
        assert target["scrapeUrl"] == "http://localhost:9090/metrics"


def value_of(container: RunningContainer, expression: str) -> str | None:
    url = f"{container.url()}/api/v1/query?query={urllib.parse.quote(expression)}"
    result: list[Any] = json.loads(ask(url))["data"]["result"]
    return str(result[0]["value"][1]) if result else None
