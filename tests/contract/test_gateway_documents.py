"""Envoy and its documents: what it loads, what it refuses, and how that is told."""

from __future__ import annotations

import socket
import stat
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from tests.support.gateway import PROJECT, Gateway, MakeServer, served, service
from tests.support.registries import free_port
from tests.support.waiting import until

from dockyard.errors import ComponentFailed
from dockyard.serving.gateway import config, envoy, files
from dockyard.serving.gateway.admin import Admin, Settling
from dockyard.serving.gateway.model import Served
from dockyard.serving.model import Auth, Match, RateLimit, Sticky, Tls, Variant


def _everything(gateway: Gateway) -> Served:
    variants = (
        Variant(name="embed", port=80, keep_alive=0.0),
        Variant(name="next", port=80, match=Match(header={"a": "b"}, cookie={"c": "d"})),
        Variant(name="dark", port=80, shadow=True, protocol="h2c"),
    )
    what = service(
        gateway, *variants, path="/a.b(c%20", sticky=Sticky(cookie="v%x"),
        route={"strip": True, "model": "org/m 7?", "host": "*.x.y"},
        rate_limit=RateLimit(requests=1, key="header:A"),
        auth=Auth(keys="k"), timeout=0.0,
    )  # fmt: skip
    return served(gateway, what, {})


def test_envoy_takes_all_that_a_service_can_ask_for(gateway: Gateway) -> None:
    documents = config.files([_everything(gateway)], gateway.settings)
    assert envoy.validate(documents, gateway.settings) == ""


def test_envoys_own_words_tell_what_it_would_refuse(gateway: Gateway) -> None:
    one = service(gateway, route={"tls": Tls(cert="/nowhere.pem", key="/nowhere.key")})
    documents = config.files([served(gateway, one, {})], gateway.settings)
    assert envoy.validate(documents, gateway.settings) == (
        "Failed to load incomplete private key from path: /nowhere.key"
    )


def test_a_document_that_is_refused_changes_nothing_and_is_told(
    gateway: Gateway, server: MakeServer
) -> None:
    one = server("one")
    good = served(gateway, service(gateway), {"embed": [one.backend]})
    gateway.serve(good)
    before = files.read(gateway.settings)
    bad = msgspec.structs.replace(
        config.files([good], gateway.settings),
        routes={name: content.replace(b'"prefix":"/"', b'"no_prefix":"/"')
                for name, content in before.routes.items()},
    )  # fmt: skip
    with pytest.raises(ComponentFailed, match="routes of"):
        files.publish(gateway.settings, bad, Settling(gateway.admin))
    assert gateway.ask().by == "one"
    assert files.read(gateway.settings) == before
    gateway.serve(served(gateway, service(gateway, path="/new"), {"embed": [one.backend]}))
    assert gateway.ask("/new").by == "one"


def test_a_port_that_is_taken_is_told_and_taken_when_it_is_free(
    gateway: Gateway, server: MakeServer
) -> None:
    one = server("one")
    good = served(gateway, service(gateway, name="good"), {"good": [one.backend]})
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        what = service(gateway, route={"listen": address})
        gateway.serve(good, served(gateway, what, {"embed": [one.backend]}))
        (told,) = gateway.admin.listener_errors().values()
        assert address in told
        assert "Address already in use" in told
        assert "\n" not in told
        assert gateway.ask().by == "one", "the other is served"
        two = served(gateway, service(gateway, name="good"), {"good": [server("two").backend]})
        gateway.serve(two, served(gateway, what, {"embed": [one.backend]}))
        assert gateway.ask().by == "two", "and goes on being changed"
    files.retry_listeners(gateway.settings)
    until(lambda: not gateway.admin.listener_errors())
    assert gateway.ask(at=address).by == "one"


def test_what_is_the_same_is_not_written_again(gateway: Gateway, server: MakeServer) -> None:
    one, two = server("one"), server("two")
    what = service(gateway)
    gateway.serve(served(gateway, what, {"embed": [one.backend]}))
    live = Path(gateway.settings.directory) / "live"
    before = {path.name: path.stat().st_ino for path in live.iterdir()}
    gateway.serve(served(gateway, what, {"embed": [one.backend, two.backend]}))
    after = {path.name: path.stat().st_ino for path in live.iterdir()}
    assert {name for name in before if before[name] != after[name]} == {"clusters.json"}
    gateway.serve()
    assert {path.name for path in live.iterdir()} == {"clusters.json", "listeners.json"}


def test_nobody_but_its_owner_reads_keys_and_the_admin_socket(gateway: Gateway) -> None:
    gateway.serve(_everything(gateway))
    live = Path(gateway.settings.directory) / "live"
    for path in (*live.iterdir(), Path(gateway.settings.admin)):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_figures_are_by_variant(gateway: Gateway, server: MakeServer) -> None:
    one = server("one")
    variant = Variant(name="figures.v1", port=80)
    what = service(gateway, variant)
    gateway.serve(served(gateway, what, {variant.name: [one.backend]}))
    for _ in range(3):
        gateway.ask()
    figures = until(lambda: gateway.admin.figures().get(f"{PROJECT}.{variant.name}"))
    assert (figures.total, figures.load, figures.healthy) == (3, 0, 2)
    assert figures.by_class == {"2": 3}


def test_a_gateway_that_is_not_there_is_told(tmp_path: Path) -> None:
    admin = Admin(str(tmp_path / "none.sock"))
    assert not admin.ready()
    with pytest.raises(ComponentFailed, match="No such file"):
        admin.figures()


def test_listeners_go_with_their_services(gateway: Gateway, server: MakeServer) -> None:
    one = server("one")
    port = free_port()
    extra = service(gateway, name="extra", route={"listen": f"127.0.0.1:{port}"})
    gateway.serve(served(gateway, extra, {"extra": [one.backend]}))
    with closing(socket.create_connection(("127.0.0.1", port))):
        pass
    gateway.serve()

    def refused() -> bool:
        with closing(socket.socket()) as probe:
            return probe.connect_ex(("127.0.0.1", port)) != 0

    until(refused)
