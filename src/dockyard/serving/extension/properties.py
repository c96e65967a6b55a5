"""All properties of the block, in one table.

Of it are made the checks, the JSON schema and, by a test, what the documentation has to name.
"""

from __future__ import annotations

from typing import Final

from dockyard.compose.load.schema.kinds import (
    NUMBER,
    TEXT,
    TRUTH,
    Mapped,
    choice,
)
from dockyard.serving.extension import kinds
from dockyard.serving.extension.kinds import Group, Property, whole

_EXACT: Final = Mapped(of=kinds.SOME_TEXT, names=kinds.HEADER_NAME)
"""Values by the name of a header or cookie."""

_FILE: Final = (
    "A path, relative to the project's directory, or secret:NAME of a secret with a file."
)

TLS: Final = Group(
    what="tls",
    properties={
        "cert": Property(of=kinds.SOME_TEXT, about=f"The certificate and its chain, PEM. {_FILE}"),
        "key": Property(of=kinds.SOME_TEXT, about=f"The private key, PEM. {_FILE}"),
    },
    required=("cert", "key"),
)

ROUTE: Final = Group(
    what="a route",
    properties={
        "path": Property(
            of=kinds.PATH, read=kinds.path, default="/",
            about="A prefix of whole segments: /embed takes /embed and /embed/x, not /embedded.",
        ),
        "strip": Property(
            of=TRUTH, default=False, about="The service sees the path without the prefix."
        ),
        "host": Property(
            of=kinds.HOST, read=str.lower,
            about="A host name, or *.example.com for all below it; all names where it isn't given.",
        ),
        "header": Property(
            of=_EXACT, about="Headers that a request must have, with exactly these values."
        ),
        "listen": Property(
            of=kinds.LISTEN, read=kinds.address, digits=True,
            about="Where the gateway listens: ADDRESS:PORT, or PORT on the default address.",
        ),
        "tls": Property(of=TLS, about="The listener takes HTTPS, with this certificate."),
        "model": Property(
            of=kinds.SOME_TEXT,
            about="Requests for this model: /v2/models/NAME in the path, or the field model of a"
            " JSON body.",
        ),
    },
)  # fmt: skip

SCALE: Final = Group(
    what="scale",
    properties={
        "min": Property(
            of=whole(0), default=1, about="Replicas there are at least; 0 lets an idle service end."
        ),
        "max": Property(
            of=whole(1), default=1, about="Replicas there are at most; min where that is more."
        ),
        "target": Property(
            of=NUMBER, default=1, more={"exclusiveMinimum": 0},
            about="What one replica is to have of the metric; concurrency where that is given.",
        ),
        "metric": Property(
            of=choice("concurrency", "rps", "cpu", "queue"), default="concurrency",
            about="What a replica's load is: requests at a time, requests a second, processors in"
            " use, or requests that wait in the queue.",
        ),
    },
    more={
        "if": {"properties": {"metric": {"enum": ["rps", "cpu", "queue"]}}, "required": ["metric"]},
        "then": {"required": ["target"]},
    },
)  # fmt: skip

READY: Final = Group(
    what="ready",
    properties={
        "path": Property(
            of=kinds.TARGET,
            about="GET of this path answers 2xx or 3xx. Without it a replica is ready when its port"
            " takes connections, by h2c always when it begins HTTP/2.",
        ),
        "timeout": Property(
            of=kinds.SOME_TIME, read=kinds.seconds, default="1s", about="Of one attempt."
        ),
        "deadline": Property(
            of=kinds.SOME_TIME, read=kinds.seconds, default="5m",
            about="A replica that isn't ready by then has failed.",
        ),
    },
)  # fmt: skip

STICKY: Final = Group(
    what="sticky",
    properties={"cookie": Property(of=kinds.TOKEN, about="Name of the cookie.")},
    required=("cookie",),
)

QUEUE: Final = Group(
    what="queue",
    properties={
        "max": Property(
            of=whole(0), default=100,
            about="Requests that may wait; one more gets 503 with Retry-After.",
        ),
    },
)  # fmt: skip

RATE_LIMIT: Final = Group(
    what="a rate limit",
    properties={
        "requests": Property(of=whole(1), about="So many in the time per."),
        "per": Property(
            of=kinds.SOME_TIME, read=kinds.seconds, default="1s", about="The time they are for."
        ),
        "key": Property(
            of=kinds.LIMITED_BY,
            about="ip, or header:NAME: each value has a limit of its own. Without it all have one"
            " together.",
        ),
    },
    required=("requests",),
)

AUTH: Final = Group(
    what="auth",
    properties={
        "keys": Property(
            of=kinds.SOME_TEXT, about=f"The API keys, one a line: KEY, or NAME: KEY. {_FILE}"
        ),
    },
    required=("keys",),
)

MATCH: Final = Group(
    what="match",
    properties={
        "header": Property(of=_EXACT, about="Headers, with exactly these values."),
        "cookie": Property(of=_EXACT, about="Cookies, with exactly these values."),
    },
    more={"minProperties": 1},
)

BLOCK: Final = Group(
    what="x-dockyard",
    properties={
        "route": Property(of=ROUTE, about="Which requests are this service's. All must match."),
        "port": Property(
            of=whole(1, kinds.MOST_PORTS),
            about="The port in the container. Where expose and ports name exactly one, it is that.",
        ),
        "protocol": Property(
            of=choice("http1", "h2c"), default="http1",
            about="What the server speaks: HTTP/1.1, or HTTP/2 without TLS (gRPC).",
        ),
        "scale": Property(of=SCALE, about="How many replicas there are."),
        "ready": Property(of=READY, about="When a replica can serve."),
        "concurrency": Property(
            of=whole(0), default=0,
            about="Requests that a replica gets at a time, strictly; 0 for any number.",
        ),
        "timeout": Property(
            of=kinds.DURATION, read=kinds.seconds, default="5m",
            about="Of a whole request, with its time in the queue; 0s for none (streams).",
        ),
        "grace": Property(
            of=kinds.DURATION, read=kinds.seconds, default="30s",
            about="So long without a request, and the last replica ends, where min is 0.",
        ),
        "max_body": Property(
            of=kinds.BYTES, read=kinds.size, default="32MiB", digits=True,
            about="A request with a larger body is passed on, but never tried again.",
        ),
        "idempotent": Property(
            of=TRUTH, default=False,
            about="A request may be tried again though a replica may have begun it.",
        ),
        "keep_alive": Property(
            of=kinds.SOME_TIME, read=kinds.seconds, default="5s",
            about="How long the server keeps idle connections; the gateway closes them before.",
        ),
        "sticky": Property(of=STICKY, about="A client stays with the variant that it got."),
        "queue": Property(of=QUEUE, about="Requests that wait for a replica."),
        "rate_limit": Property(of=RATE_LIMIT, about="Requests beyond it get 429."),
        "auth": Property(
            of=AUTH,
            about="Requests need an API key, as Authorization: Bearer KEY or X-Api-Key: KEY, else"
            " they get 401.",
        ),
        "variant_of": Property(
            of=TEXT,
            about="Another service, of which this is a version: it gets a part of its requests, and"
            " takes over what it doesn't say itself.",
        ),
        "weight": Property(
            of=whole(0, 1_000_000),
            about="This one's part of the requests. Where none is given a variant has 0, and its"
            " service 100 less all variants' weights.",
        ),
        "match": Property(
            of=MATCH, about="Requests that always go here, whatever the weights. All must match."
        ),
        "shadow": Property(
            of=TRUTH, default=False,
            about="This variant gets a copy of each request, and its answers go nowhere.",
        ),
    },
    more={
        "anyOf": [{"required": ["route"]}, {"required": ["variant_of"]}],
    },
)  # fmt: skip
