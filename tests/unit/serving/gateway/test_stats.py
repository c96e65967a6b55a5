"""Envoy's statistics."""

from __future__ import annotations

from dockyard.serving.gateway import stats

PROMETHEUS = """\
# TYPE envoy_cluster_upstream_rq counter
envoy_cluster_upstream_rq{envoy_response_code="200",envoy_cluster_name="shop/a/b"} 7
# TYPE envoy_cluster_upstream_rq_total counter
envoy_cluster_upstream_rq_total{envoy_cluster_name="shop/a/b"} 9
envoy_cluster_upstream_rq_xx{envoy_response_code_class="2",envoy_cluster_name="shop/a/b"} 7
envoy_cluster_upstream_rq_xx{envoy_response_code_class="5",envoy_cluster_name="shop/a/b"} 2
envoy_cluster_upstream_rq_active{envoy_cluster_name="shop/a/b"} 3
envoy_cluster_upstream_rq_pending_active{envoy_cluster_name="shop/a/b"} 1
envoy_cluster_membership_healthy{envoy_cluster_name="shop/c"} 1
envoy_cluster_upstream_rq_time_bucket{envoy_cluster_name="shop/a/b",le="0.5"} 1
envoy_cluster_upstream_rq_time_bucket{envoy_cluster_name="shop/a/b",le="+Inf"} 7
envoy_cluster_upstream_rq_time_sum{envoy_cluster_name="shop/a/b"} 41.5
envoy_server_live{} 1
"""
STATE = """\
cluster_manager.cds.update_failure: 0
cluster_manager.cds.update_rejected: 2
cluster_manager.cds.version_text: "abc"
http.x.rds.x.update_failure: 1
http.x.rds.x.version_text: "def"
listener_manager.lds.update_rejected: 0
"""


def test_figures_are_by_the_id_of_their_variant() -> None:
    found = stats.figures(PROMETHEUS)
    assert found.keys() == {"shop.a.b", "shop.c"}
    one = found["shop.a.b"]
    assert (one.load, one.total, one.by_class) == (4, 9, {"2": 7, "5": 2})
    assert (one.times, one.time_sum) == ({0.5: 1, float("inf"): 7}, 41.5)
    assert found["shop.c"] == stats.Figures(healthy=1)


def test_documents_that_are_loaded_and_refused() -> None:
    found = stats.loaded(STATE)
    assert found.clusters == stats.Source("abc", 2, 0)
    assert found.listeners == stats.Source()
    assert found.routes == {"x": stats.Source("def", 0, 1)}
    assert (found.clusters.refused, found.routes["x"].refused) == (2, 1)
