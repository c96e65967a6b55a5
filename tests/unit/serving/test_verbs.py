"""What is said to who asks for a rollout that isn't there."""

from __future__ import annotations

from dockyard.serving.model import Route, Service, Variant
from dockyard.serving.verbs import beginning

WEB, SHADOW, NEXT = (
    Variant(name="web", port=80), Variant(name="copy", port=80, shadow=True),
    Variant(name="next", port=80),
)  # fmt: skip


def service(*variants: Variant) -> Service:
    return Service(project="shop", name="web", route=Route(listen="[::]:80"), variants=variants)


def test_a_rollout_is_of_a_variant_beside_the_services_own_one() -> None:
    assert beginning(service(WEB, SHADOW, NEXT)) == "dockyard rollout start next begins one"
    assert "variant_of: web" in beginning(service(WEB, SHADOW))
