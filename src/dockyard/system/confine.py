"""Giving up capabilities for good, before a program of ours is executed (capabilities(7))."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Collection
from typing import Final

_MOST: Final = 64
_PR_CAPBSET_READ: Final = 23
_PR_CAPBSET_DROP: Final = 24
_PR_SET_NO_NEW_PRIVS: Final = 38


def confine(kept: Collection[int]) -> None:
    """Has what this process executes next get no capabilities but some, and no new privileges.

    Args:
        kept: numbers of capabilities. One that this process doesn't have isn't had then either.

    Raises:
        OSError: the kernel refuses.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    for number in range(_MOST):
        if number not in kept and libc.prctl(_PR_CAPBSET_READ, number, 0, 0, 0) == 1:
            _call(libc, _PR_CAPBSET_DROP, number)
    _call(libc, _PR_SET_NO_NEW_PRIVS, 1)


def _call(libc: ctypes.CDLL, option: int, value: int) -> None:
    if libc.prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
