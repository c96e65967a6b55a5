"""What a user asks for: values only, apart from the rest so that every ``run`` can import them."""

import msgspec

ALL = -1
"""As a count: every GPU there is."""


class GpuRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One ``--gpus``: so many GPUs, or those with these names."""

    count: int | None = None
    """:data:`ALL`, or a number from 1."""
    ids: tuple[str, ...] = ()
    driver: str = ""
    capabilities: tuple[str, ...] = ()
