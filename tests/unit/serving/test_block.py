"""What a Compose file's x-dockyard means, and what of it is refused, and where."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import pytest

from dockyard.compose.load.loader import load
from dockyard.compose.load.request import Request
from dockyard.compose.model.project import Project
from dockyard.errors import InvalidInput
from dockyard.serving import block
from dockyard.serving.model import (
    Auth,
    Match,
    Queue,
    RateLimit,
    Ready,
    Route,
    Scale,
    Service,
    Sticky,
    Tls,
    Variant,
)

WHOLE = """
    services:
      embed:
        image: embed:1
        x-dockyard:
          route:
            path: /embed/
            strip: true
            host: API.example.com
            header: {X-Tenant: one}
            listen: 0.0.0.0:8443
            tls: {cert: tls/cert.pem, key: secret:key}
            model: mini
          port: 8000
          protocol: http1
          scale: {min: 0, max: 8, target: 4, metric: concurrency}
          ready: {path: /healthz, timeout: 500ms, deadline: 1m30s}
          concurrency: 4
          timeout: 30s
          grace: 1m30s
          max_body: 32MiB
          idempotent: true
          keep_alive: 75s
          sticky: {cookie: variant}
          queue: {max: 200}
          rate_limit: {requests: 100, per: 1s, key: header:x-api-key}
          auth: {keys: secret:api_keys}
      embed-next:
        image: embed:2
        x-dockyard:
          variant_of: embed
          weight: 10
          scale: {max: 2}
          match: {header: {X-Variant: next}, cookie: {beta: 'yes'}}
      embed-shadow:
        image: embed:3
        x-dockyard: {variant_of: embed, shadow: true, port: 9000}
    secrets:
      api_keys: {file: keys.txt}
      key: {file: /etc/key.pem}
"""


def loaded(directory: Path, text: str, services: tuple[str, ...] = (), **more: Any) -> Project:
    (directory / "compose.yaml").write_text(textwrap.dedent(text))
    request = Request(directory=str(directory), name="shop", **more)
    variables = {"MAX": "3", "STRIP": "true"}
    return load(
        request, variables, services, all_resources=True, extensions={"x-dockyard": block.check}
    ).project


def declared(directory: Path, text: str, **more: Any) -> tuple[Service, ...]:
    return block.declared(loaded(directory, text), **more)


def service(directory: Path, own: str, more: str = "") -> Service:
    """The one of a file with it alone."""
    text = f"services:\n  web:\n    image: x\n    x-dockyard: {own}\n{more}"
    return declared(directory, text)[0]


def refusal(directory: Path, text: str, **more: Any) -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        loaded(directory, text, **more)
    assert caught.value.hint
    return caught.value


def test_a_service_is_what_its_block_says(tmp_path: Path) -> None:
    (found,) = declared(tmp_path, WHOLE)

    scale = Scale(min=0, max=8, target=4)
    ready = Ready(path="/healthz", timeout=0.5, deadline=90)
    common: dict[str, Any] = {
        "ready": ready, "concurrency": 4, "grace": 90, "keep_alive": 75, "protocol": "http1",
    }  # fmt: skip
    match = Match(header={"x-variant": "next"}, cookie={"beta": "yes"})
    assert found == Service(
        project="shop",
        name="embed",
        route=Route(
            listen="0.0.0.0:8443", path="/embed", strip=True, host="api.example.com",
            header={"x-tenant": "one"}, model="mini",
            tls=Tls(cert=f"{tmp_path}/tls/cert.pem", key="/etc/key.pem"),
        ),
        timeout=30, max_body=32 << 20, idempotent=True, sticky=Sticky(cookie="variant"),
        queue=Queue(max=200), rate_limit=RateLimit(requests=100, per=1, key="header:x-api-key"),
        auth=Auth(keys=f"{tmp_path}/keys.txt"),
        variants=(
            Variant(name="embed", port=8000, scale=scale, weight=90, **common),
            Variant(
                name="embed-next", port=8000, scale=Scale(min=0, max=2, target=4), weight=10,
                match=match, **common,
            ),
            Variant(name="embed-shadow", port=9000, scale=scale, weight=0, shadow=True, **common),
        ),
    )  # fmt: skip


def test_little_is_enough(tmp_path: Path) -> None:
    found = service(tmp_path, "{route: {}, port: 80}")

    variant = Variant(name="web", port=80)
    assert found == Service(
        project="shop", name="web", route=Route(listen="127.0.0.1:8080"), variants=(variant,)
    )


def test_the_caller_says_where_routes_listen_that_do_not_say(tmp_path: Path) -> None:
    text = """
        services:
          a: {image: x, x-dockyard: {port: 80, route: {path: /a}}}
          b: {image: x, x-dockyard: {port: 80, route: {listen: '09000'}}}
          c: {image: x, x-dockyard: {port: 80, route: {listen: '127.0.0.1:70'}}}
          d: {image: x, x-dockyard: {port: 80, route: {listen: '[0:0::A]:0080'}}}
    """
    found = declared(tmp_path, text, listen="[::1]:81")

    assert [one.route.listen for one in found] == [
        "[::1]:81",
        "[::1]:9000",
        "127.0.0.1:70",
        "[::a]:80",
    ]


def test_variables_make_numbers_and_truth_values(tmp_path: Path) -> None:
    own = "{port: '80', route: {strip: '${STRIP}'}, scale: {max: '${MAX}', target: '${NO:-1.5}'}}"
    found = service(tmp_path, own)

    assert found.route.strip
    assert found.variants[0].scale == Scale(max=3, target=1.5)


@pytest.mark.parametrize(
    ("own", "scale"),
    [
        ("scale: {min: 3}", Scale(min=3, max=3)),
        ("scale: {min: 0}", Scale(min=0, max=1)),
        ("concurrency: 8", Scale(target=8)),
        ("concurrency: 8, scale: {target: 2}", Scale(target=2)),
        ("scale: {metric: cpu, target: 0.5}", Scale(metric="cpu", target=0.5)),
        ("concurrency: 2, scale: {metric: queue, target: 3}", Scale(metric="queue", target=3)),
    ],
)
def test_what_follows_for_scaling(tmp_path: Path, own: str, scale: Scale) -> None:
    found = service(tmp_path, f"{{port: 80, route: {{}}, {own}}}")

    assert found.variants[0].scale == scale


@pytest.mark.parametrize(
    ("more", "port"),
    [
        ("    expose: ['8000']", 8000),
        ("    expose: ['8000/tcp', '53/udp']", 8000),
        ("    ports: ['7000']", 7000),
        ("    ports: ['7000']\n    expose: ['7000']", 7000),
    ],
)
def test_the_only_port_is_meant(tmp_path: Path, more: str, port: int) -> None:
    text = f"services:\n  web:\n    image: x\n    x-dockyard: {{route: {{}}}}\n{more}\n"
    (found,) = declared(tmp_path, text)

    assert found.variants[0].port == port


@pytest.mark.parametrize(
    "more", ["", "expose: ['1', '2']", "expose: ['80-81']", "ports: ['5/udp']"]
)
def test_without_an_only_port_it_has_to_be_said(tmp_path: Path, more: str) -> None:
    error = refusal(tmp_path, f"""
        services:
          web:
            image: x
            x-dockyard: {{route: {{}}}}
            {more}
    """)  # fmt: skip

    assert error.message.endswith(
        "compose.yaml:5:5: services.web.x-dockyard: 'port' is missing, and expose and ports don't"
        " name exactly one"
    )


def test_a_variant_has_its_own_port_before_that_of_its_service(tmp_path: Path) -> None:
    text = """
        services:
          a: {image: x, expose: ['80'], x-dockyard: {route: {}}}
          b: {image: x, expose: ['81'], x-dockyard: {variant_of: a, weight: 1}}
          c: {image: x, x-dockyard: {variant_of: a, weight: 1}}
    """
    (found,) = declared(tmp_path, text)

    assert [(one.name, one.port) for one in found.variants] == [("a", 80), ("b", 81), ("c", 80)]


def test_a_variant_with_another_metric_takes_no_target_over(tmp_path: Path) -> None:
    text = """
        services:
          a: {image: x, x-dockyard: {port: 1, route: {}, scale: {metric: rps, target: 50}}}
          b: {image: x, x-dockyard: {variant_of: a, scale: {metric: concurrency}}}
    """
    (found,) = declared(tmp_path, text)

    assert found.variants[1].scale == Scale(target=1, metric="concurrency")


def test_weights_are_as_given_or_what_is_left(tmp_path: Path) -> None:
    text = """
        services:
          a: {{image: x, x-dockyard: {{port: 1, route: {{}}{own}}}}}
          b: {{image: x, x-dockyard: {{variant_of: a, weight: 30}}}}
          c: {{image: x, x-dockyard: {{variant_of: a}}}}
    """
    left = declared(tmp_path, text.format(own=""))[0].variants
    given = declared(tmp_path, text.format(own=", weight: 1"))[0].variants

    assert [one.weight for one in left] == [70, 30, 0]
    assert [one.weight for one in given] == [1, 30, 0]


def test_a_variant_may_extend_its_service(tmp_path: Path) -> None:
    """It takes the service's block over then, and says the same of the route."""
    text = """
        services:
          a:
            image: x
            x-dockyard: {port: 1, route: {path: /a}, auth: {keys: k}, timeout: 1s}
          b:
            extends: a
            image: y
            x-dockyard: {variant_of: a, weight: 5}
    """
    (found,) = declared(tmp_path, text)

    assert [one.weight for one in found.variants] == [95, 5]


def test_a_block_may_come_from_another_file(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text(
        "services:\n  base:\n    image: x\n    x-dockyard:\n      route: {}\n      prt: 1\n"
    )
    text = "services: {web: {extends: {file: base.yaml, service: base}}}"

    error = refusal(tmp_path, text)

    where = f"{tmp_path}/base.yaml:6:7: services.web.x-dockyard.prt"
    assert error.message == f"{where}: x-dockyard has no property 'prt'"
    assert error.hint == "did you mean 'port'?"


def test_services_that_a_command_does_not_name_count_as_well(tmp_path: Path) -> None:
    text = """
        services:
          a: {image: x, x-dockyard: {port: 1, route: {}}}
          b: {image: x, x-dockyard: {variant_of: a, weight: 5}}
    """
    (found,) = block.declared(loaded(tmp_path, text, services=("b",)))

    assert [one.name for one in found.variants] == ["a", "b"]


def test_services_of_profiles_count_where_these_are_active(tmp_path: Path) -> None:
    text = """
        services:
          a: {image: x, x-dockyard: {port: 1, route: {}}}
          b: {image: x, profiles: [next], x-dockyard: {variant_of: a, weight: 5}}
    """
    (found,) = block.declared(loaded(tmp_path, text))
    (more,) = block.declared(loaded(tmp_path, text, profiles=("next",)))

    assert [one.name for one in found.variants] == ["a"]
    assert [one.name for one in more.variants] == ["a", "b"]


def test_the_form_of_inactive_blocks_is_checked_too(tmp_path: Path) -> None:
    text = "services:\n  a: {image: x}\n  b: {image: x, profiles: [p], x-dockyard: {port: x}}\n"

    assert "services.b.x-dockyard.port" in refusal(tmp_path, text).message


def test_no_consistency_asks_for_nothing(tmp_path: Path) -> None:
    text = "services: {web: {image: x, x-dockyard: {prt: 1}}}"

    assert loaded(tmp_path, text, consistency=False).services["web"].extensions


def test_the_place_is_that_of_the_value(tmp_path: Path) -> None:
    error = refusal(tmp_path, """
        services:
          embed:
            image: x
            x-dockyard:
              route: {}
              scale:
                min: 9
                max: 0
    """)  # fmt: skip

    where = f"{tmp_path}/compose.yaml:9:9: services.embed.x-dockyard.scale.max"
    assert error.message == f"{where}: 0 is less than 1"


WRONG = {
    "x-dockyard: must be a mapping, not null": "",
    "x-dockyard: has neither route nor variant_of": "{port: 80}",
    "rout: x-dockyard has no property 'rout'": "{rout: {}}",
    "route.pth: a route has no property 'pth'": "{port: 1, route: {pth: /}}",
    "route: must be a mapping, not the text '/a'": "{port: 1, route: /a}",
    "route.path: 'a' isn't a path such as /embed: from / on": "{port: 1, route: {path: a}}",
    "route.path: '/a//b' isn't a path": "{port: 1, route: {path: /a//b}}",
    "route.path: '/a?b' isn't a path": "{port: 1, route: {path: '/a?b'}}",
    "route.path: '/a/../b' has a segment of dots alone": "{port: 1, route: {path: /a/../b}}",
    "route.strip: must be true or false, not the text 'x'": "{port: 1, route: {strip: x}}",
    "route.host: 'a b' isn't a name such as": "{port: 1, route: {host: a b}}",
    "route.host: 'a.b:80' isn't a name such as": "{port: 1, route: {host: 'a.b:80'}}",
    "route.host: 'a.*.b' isn't a name such as": "{port: 1, route: {host: a.*.b}}",
    "route.header.a b: 'a b' can't be a name": "{port: 1, route: {header: {a b: x}}}",
    "route.header.x: must be a text, not true": "{port: 1, route: {header: {x: true}}}",
    "route.header.X-A: is the same header as x-a":
        "{port: 1, route: {header: {x-a: b, X-A: c}}}",
    "route.header.Host: is what host says": "{port: 1, route: {header: {Host: a}}}",
    "route.listen: 'localhost:80' isn't an address": "{port: 1, route: {listen: 'localhost:80'}}",
    "route.listen: '1.2.3' is no address": "{port: 1, route: {listen: '1.2.3:80'}}",
    "route.listen: 70000 is no port": "{port: 1, route: {listen: 70000}}",
    "route.tls: 'key' is missing": "{port: 1, route: {tls: {cert: x}}}",
    "route.tls.cert: there is no secret 'x'":
        "{port: 1, route: {tls: {cert: 'secret:x', key: y}}}",
    "port: 0 is less than 1": "{port: 0, route: {}}",
    "port: 65536 is more than 65535": "{port: 65536, route: {}}",
    "port: must be a whole number, not the text 'http'": "{port: http, route: {}}",
    "protocol: 'htp1' isn't http1 or h2c": "{port: 1, route: {}, protocol: htp1}",
    "scale.min: -1 is less than 0": "{port: 1, route: {}, scale: {min: -1}}",
    "scale.min: 3 is more than max, which is 2": "{port: 1, route: {}, scale: {min: 3, max: 2}}",
    "scale.max: must be a whole number, not the number 1.5":
        "{port: 1, route: {}, scale: {max: 1.5}}",
    "scale.target: is no number": "{port: 1, route: {}, scale: {target: 0}}",
    "scale.metric: 'cpus' isn't concurrency, rps, cpu or queue":
        "{port: 1, route: {}, scale: {metric: cpus}}",
    "scale: metric rps needs a target": "{port: 1, route: {}, scale: {metric: rps}}",
    "scale.metric: queue needs concurrency":
        "{port: 1, route: {}, scale: {metric: queue, target: 1}}",
    "concurrency: can't be kept with protocol h2c":
        "{port: 1, route: {}, protocol: h2c, concurrency: 1}",
    "queue.max: with min 0 no request could start the service":
        "{port: 1, route: {}, scale: {min: 0}, queue: {max: 0}}",
    "ready.deadline: '0s' isn't a duration above zero":
        "{port: 1, route: {}, ready: {deadline: 0s}}",
    "ready.path: 'x' isn't a path": "{port: 1, route: {}, ready: {path: x}}",
    "timeout: '30' isn't a duration such as 30s": "{port: 1, route: {}, timeout: 30}",
    "timeout: '-1s' isn't a duration such as 30s": "{port: 1, route: {}, timeout: -1s}",
    "timeout: '999999d' is too long": "{port: 1, route: {}, timeout: 999999d}",
    "max_body: '3 parts' isn't a size such as": "{port: 1, route: {}, max_body: 3 parts}",
    "max_body: '-1' isn't a size such as": "{port: 1, route: {}, max_body: -1}",
    "idempotent: must be true or false": "{port: 1, route: {}, idempotent: 1}",
    "sticky: 'cookie' is missing": "{port: 1, route: {}, sticky: {}}",
    "sticky.cookie: 'a b' isn't a name": "{port: 1, route: {}, sticky: {cookie: a b}}",
    "rate_limit: 'requests' is missing": "{port: 1, route: {}, rate_limit: {per: 1s}}",
    "rate_limit.requests: 0 is less than 1": "{port: 1, route: {}, rate_limit: {requests: 0}}",
    "rate_limit.per: '0s' isn't a duration above zero":
        "{port: 1, route: {}, rate_limit: {requests: 1, per: 0s}}",
    "rate_limit.per: is less than the gateway can count":
        "{port: 1, route: {}, rate_limit: {requests: 1, per: 49ms}}",
    "rate_limit.key: 'x-key' isn't ip or header:NAME":
        "{port: 1, route: {}, rate_limit: {requests: 1, key: x-key}}",
    "auth: 'keys' is missing": "{port: 1, route: {}, auth: {}}",
    "auth.keys: there is no secret 'other'": "{port: 1, route: {}, auth: {keys: 'secret:other'}}",
    "auth.keys: secret 'spoken' is in no file":
        "{port: 1, route: {}, auth: {keys: 'secret:spoken'}}",
    "match: matches nothing": "{port: 1, route: {}, match: {}}",
    "weight: -1 is less than 0": "{port: 1, route: {}, weight: -1}",
    "weight: no variant has any weight": "{port: 1, route: {}, weight: 0}",
    "shadow: can't be without variant_of": "{port: 1, route: {}, shadow: true}",
    "variant_of: is the service itself": "{variant_of: web}",
    "variant_of: there is no service 'othr'": "{variant_of: othr}",
    "variant_of: service 'plain' has no x-dockyard": "{variant_of: plain}",
    "variant_of: service 'hidden' isn't active": "{variant_of: hidden}",
    "variant_of: service 'second' is a variant itself": "{variant_of: second}",
    "timeout: is the same for all variants of 'other'": "{variant_of: other, timeout: 2s}",
    "route: is the same for all variants of 'other'": "{variant_of: other, route: {path: /w}}",
    "weight: a shadow gets a copy of every request": "{variant_of: other, shadow: true, weight: 1}",
    "weight: with 60 the variants of 'other' have 101 of 100": "{variant_of: other, weight: 60}",
    "scale.min: 9 is more than max, which is 2": "{variant_of: other, scale: {min: 9}}",
    "route: service 'other' has the same route": "{port: 1, route: {path: /other}}",
    "route: service 'other' has the same listener, without TLS":
        "{port: 1, route: {path: /w, tls: {cert: a, key: b}}}",
}  # fmt: skip


@pytest.mark.parametrize("message", WRONG)
def test_what_makes_no_sense_is_refused_with_its_path(tmp_path: Path, message: str) -> None:
    error = refusal(tmp_path, f"""
        services:
          hidden: {{image: x, profiles: [hidden], x-dockyard: {{port: 1, route: {{}}}}}}
          other: {{image: x, x-dockyard: {{port: 1, route: {{path: /other}}, scale: {{max: 2}}}}}}
          plain: {{image: x}}
          second: {{image: x, x-dockyard: {{variant_of: other, weight: 41}}}}
          web:
            image: x
            x-dockyard: {WRONG[message]}
        secrets:
          spoken: {{environment: STRIP}}
    """)  # fmt: skip

    path = "services.web" if message.startswith("x-dockyard") else "services.web.x-dockyard"
    assert "compose.yaml:9:" in error.message
    assert f"{path}.{message}" in error.message


def test_a_listener_may_have_a_certificate_for_each_host(tmp_path: Path) -> None:
    text = """
        services:
          a: {{image: x, x-dockyard: {{port: 1, route: {{host: a.b, tls: {{cert: a, key: b}}}}}}}}
          b: {{image: x, x-dockyard: {{port: 1, route: {{{other}, tls: {{cert: c, key: b}}}}}}}}
    """
    assert len(declared(tmp_path, text.format(other="host: c.b"))) == 2
    without = refusal(tmp_path, text.format(other="path: /x"))
    same = refusal(tmp_path, text.format(other="host: a.b, path: /x"))

    assert "services.b.x-dockyard.route: the listener has several certificates" in without.message
    assert "services.b.x-dockyard.route.tls: service 'a' has another" in same.message


BESIDE = {
    "container_name: several replicas can't have the same name": "container_name: own",
    "network_mode: host gives a replica no address": "network_mode: host",
    "network_mode: none gives a replica no address": "network_mode: none",
    "network_mode: service:other gives a replica no address": "network_mode: service:other",
    "ports[1]: 3 replicas can't all publish one port": "ports: ['81', '8000:80']",
    "networks.default.ipv4_address: 3 replicas can't have one address":
        "networks: {default: {ipv4_address: 10.0.0.5}}",
}  # fmt: skip


@pytest.mark.parametrize("message", BESIDE)
def test_what_replicas_cannot_have_is_refused(tmp_path: Path, message: str) -> None:
    error = refusal(tmp_path, f"""
        services:
          other: {{image: x}}
          web:
            image: x
            x-dockyard: {{port: 80, route: {{}}, scale: {{max: 3}}}}
            {BESIDE[message]}
    """)  # fmt: skip

    assert "compose.yaml:7:" in error.message
    assert f"services.web.{message}" in error.message


def test_one_replica_may_publish_its_port(tmp_path: Path) -> None:
    found = service(tmp_path, "{port: 80, route: {}}", "    ports: ['8000:80']")

    assert found.variants[0].port == 80


def test_what_has_no_effect_is_said(tmp_path: Path) -> None:
    project = loaded(tmp_path, """
        services:
          a:
            image: x
            deploy: {replicas: 2}
            x-dockyard: {port: 1, route: {}, sticky: {cookie: c}}
          b: {image: x, scale: 3, x-dockyard: {port: 1, route: {path: /b}}}
          c:
            image: x
            x-dockyard: {port: 1, route: {path: /c}, protocol: h2c, ready: {path: /healthz}}
          d: {image: x, x-dockyard: {variant_of: c}}
          e: {image: x, x-dockyard: {variant_of: c, protocol: http1}}
    """)  # fmt: skip

    assert block.warnings(project) == (
        "services.a.deploy.replicas has no effect: x-dockyard.scale says how many there are",
        "services.a.x-dockyard.sticky has no effect: there are no variants",
        "services.b.scale has no effect: x-dockyard.scale says how many there are",
        "services.c.x-dockyard.ready.path has no effect: h2c is ready when it begins HTTP/2",
    )


def test_nothing_is_declared_without_a_block(tmp_path: Path) -> None:
    assert declared(tmp_path, "services: {web: {image: x}}") == ()
