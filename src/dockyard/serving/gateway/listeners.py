"""An address that the gateway listens at, as Envoy's listener."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence

from dockyard.serving.gateway import policies
from dockyard.serving.gateway.documents import Json, extension, typed
from dockyard.serving.gateway.model import Served, Settings
from dockyard.serving.gateway.places import METADATA
from dockyard.serving.model import Tls

KIND = "envoy.config.listener.v3.Listener"
_HCM = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
_STREAMS = 256
_STREAM_BYTES = 256 << 10
_CONNECTION_BYTES = 1 << 20
"""Of one HTTP/2 connection; without limits a client has 256 MiB for each stream."""
_NOBODY: Json = {"address_prefix": "::", "prefix_len": 128}
_NO_HOST = "localhost"
"""Of clients of HTTP/1.0 that name none."""
_BUFFER = 64 << 10
"""Of a connection, in bytes; what is kept to be tried again has a limit of its own."""

_LOGGED: dict[str, str] = {
    "at": "%START_TIME(%s.%6f)%",
    "id": "%REQ(X-REQUEST-ID)%",
    "traceparent": "%REQ(TRACEPARENT)%",
    "client": "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%",
    "caller": f"%REQ({policies.CLIENT.upper()})%",
    "protocol": "%PROTOCOL%",
    "method": "%REQ(:METHOD)%",
    "host": "%REQ(:AUTHORITY)%",
    "path": "%PATH(NQ)%",
    "service": "%ROUTE_NAME%",
    "target": "%UPSTREAM_CLUSTER_RAW%",
    "upstream": "%UPSTREAM_HOST%",
    "attempts": "%UPSTREAM_REQUEST_ATTEMPT_COUNT%",
    "status": "%RESPONSE_CODE%",
    "flags": "%RESPONSE_FLAGS%",
    "details": "%RESPONSE_CODE_DETAILS%",
    "error": "%RESP(X-DOCKYARD-ERROR)%",
    "waited": f"%DYNAMIC_METADATA({METADATA}:{policies.WAITED})%",
    "duration": "%DURATION%",
    "first_byte": "%RESPONSE_DURATION%",
    "received": "%BYTES_RECEIVED%",
    "sent": "%BYTES_SENT%",
}
"""Without queries and credentials: they are nobody's business."""
_BROKEN_TRY: dict[str, str] = {
    "at": "%START_TIME(%s.%6f)%",
    "try_of": "%REQ(X-REQUEST-ID)%",
    "target": "%UPSTREAM_CLUSTER_RAW%",
    "upstream": "%UPSTREAM_HOST%",
    "flags": "%RESPONSE_FLAGS%",
    "duration": "%DURATION%",
}
"""A line beside the request's own, which knows the last try alone."""
_BROKEN_FLAGS = ("UF", "UC", "UR")
"""No connection; one that was closed, or reset, before the answer."""


def name_of(listen: str) -> str:
    """What a listener and its route table are called."""
    address, _, port = listen.rpartition(":")
    return re.sub("[^0-9A-Za-z-]", "_", f"{address.replace(':', '-')}_{port}")


def listener(listen: str, served: Sequence[Served], settings: Settings) -> Json:
    """The listener at ``ADDRESS:PORT``; what changes with its services is in its route table."""
    address, _, port = listen.rpartition(":")
    chains = _chains(listen, served, settings)
    answer: Json = {
        "name": name_of(listen),
        "address": {
            "socket_address": {"address": address.strip("[]"), "port_value": int(port)}
        },
        "enable_reuse_port": False,
        "per_connection_buffer_limit_bytes": _BUFFER,
        "socket_options": _keep_alive(),
        "filter_chains": chains,
    }  # fmt: skip
    if served[0].service.route.tls is not None:
        inspector = "envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector"
        answer["listener_filters"] = [extension("tls", inspector)]
    return answer


def routes_path(settings: Settings, name: str) -> str:
    return f"{settings.directory}/live/routes-{name}.json"


def _chains(listen: str, served: Sequence[Served], settings: Settings) -> list[Json]:
    """One for each certificate: the first service's for all connections that no other is for."""
    manager = _manager(name_of(listen), settings)
    marks = {one.service.route.tls: one.certificate for one in served}
    chains: list[Json] = []
    taken: set[str] = set()
    for tls, mark in marks.items():
        if tls is None:
            return [{"filters": [manager]}]
        names = {one.service.route.host.lower() for one in served if one.service.route.tls == tls}
        named = sorted(names - taken - {""})
        chain: Json = {"filters": [manager], "transport_socket": _tls(tls), "name": mark or "tls"}
        if not chains:
            chains.append(chain)
        elif named:
            taken.update(named)
            chains.append({**chain, "filter_chain_match": {"server_names": named}})
    return chains


def _tls(tls: Tls) -> Json:
    certificate: Json = {
        "certificate_chain": {"filename": tls.cert},
        "private_key": {"filename": tls.key},
    }
    return extension(
        "tls", "envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
        common_tls_context={
            "alpn_protocols": ["h2", "http/1.1"], "tls_certificates": [certificate],
        },
    )  # fmt: skip


def _manager(name: str, settings: Settings) -> Json:
    router = "envoy.extensions.filters.http.router.v3.Router"
    return extension(
        "http", _HCM,
        stat_prefix=name,
        rds={
            "route_config_name": name,
            "config_source": {
                "path_config_source": {"path": routes_path(settings, name)},
                "resource_api_version": "V3",
            },
        },
        http_filters=[
            *policies.filters(),
            extension("router", router, upstream_log=[_broken_tries(settings)]),
        ],
        access_log=[_access_log(settings)],
        local_reply_config=_local_reply(),
        upgrade_configs=[{"upgrade_type": "websocket"}],
        http_protocol_options={
            "accept_http_10": True, "default_host_for_http_10": _NO_HOST,
        },
        http2_protocol_options={
            "allow_connect": True, "max_concurrent_streams": _STREAMS,
            "initial_stream_window_size": _STREAM_BYTES,
            "initial_connection_window_size": _CONNECTION_BYTES,
        },
        common_http_protocol_options={"idle_timeout": "3600s"},
        request_headers_timeout="30s",
        stream_idle_timeout="3600s",
        normalize_path=True,
        server_header_transformation="PASS_THROUGH",
        **_trust(),
    )  # fmt: skip


def _trust() -> Json:
    """Nobody outside may say what Envoy takes from a proxy of its own: retries, time limits.

    Nor who a client is, in none of the spellings that a server may take for one name (CGI, WSGI).
    """
    remove = [{"remove": "".join(each)} for each in itertools.product(*_spelled(policies.CLIENT))]
    return {
        "use_remote_address": True,
        "internal_address_config": {"cidr_ranges": [_NOBODY]},
        "preserve_external_request_id": True,
        "always_set_request_id_in_response": True,
        "request_id_extension": {
            "typed_config": typed(
                "envoy.extensions.request_id.uuid.v3.UuidRequestIdConfig",
                pack_trace_reason=False, use_request_id_for_trace_sampling=False,
            )
        },
        "early_header_mutation_extensions": [
            extension(
                "client", "envoy.extensions.http.early_header_mutation.header_mutation.v3"
                ".HeaderMutation", mutations=remove,
            )
        ],
    }  # fmt: skip


def _spelled(name: str) -> list[str]:
    return ["-_" if letter == "-" else letter for letter in name]


def _local_reply() -> Json:
    """Envoy's own answers are JSON, as those of most services behind it; lists are it already."""
    good: Json = {"op": "EQ", "value": {"default_value": 200, "runtime_key": "dockyard.good"}}
    as_it_is: Json = {
        "text_format_source": {"inline_string": "%LOCAL_REPLY_BODY%"},
        "content_type": "application/json",
    }
    overflow: Json = {"response_flag_filter": {"flags": ["UO"]}}
    again: Json = {"header": {"key": "retry-after", "value": "1"}}
    return {
        "mappers": [
            {
                "filter": overflow,
                "headers_to_add": [again],
                "body": {"inline_string": "the service has too many requests at a time"},
            },
            {
                "filter": {"status_code_filter": {"comparison": good}},
                "body_format_override": as_it_is,
            },
        ],
        "body_format": {
            "json_format": {
                "error": {"code": "%RESPONSE_CODE%", "message": "%LOCAL_REPLY_BODY%"},
                "request_id": "%REQ(X-REQUEST-ID)%",
            }
        },
    }


def _access_log(settings: Settings) -> Json:
    return extension(
        "file", "envoy.extensions.access_loggers.file.v3.FileAccessLog",
        path=settings.access_log, log_format={"json_format": _LOGGED},
    )  # fmt: skip


def _broken_tries(settings: Settings) -> Json:
    log = extension(
        "tries", "envoy.extensions.access_loggers.file.v3.FileAccessLog",
        path=settings.access_log, log_format={"json_format": _BROKEN_TRY},
    )  # fmt: skip
    return {**log, "filter": {"response_flag_filter": {"flags": list(_BROKEN_FLAGS)}}}


def _keep_alive() -> list[Json]:
    """Has the kernel notice clients that are gone, so that silent streams may last."""
    sol_socket, so_keepalive, tcp, idle, interval, count = 1, 9, 6, 4, 5, 6
    wanted = (
        (sol_socket, so_keepalive, 1), (tcp, idle, 60), (tcp, interval, 15), (tcp, count, 4),
    )  # fmt: skip
    return [
        {"level": level, "name": name, "int_value": value, "state": "STATE_LISTENING"}
        for level, name, value in wanted
    ]
