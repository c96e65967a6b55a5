"""Is a share larger than another one by more than chance? Pure.

Fisher's exact test, one-sided: were both sides alike, each of the cases would be one side's as
often as it has requests, so their number on that side is hypergeometric. It is exact at any number
of requests and at a share of 0, where tests that take counts for normal are far off.

A rollout is looked at again and again, and each look is another chance to be wrong. The n-th
request therefore gets a part of the whole error of ``first / (n (n + 1))``: from the first look on
these sum up to 1, so the chance of ever being wrong is at most what was given, however often
somebody looks and whenever he stops.
"""

from __future__ import annotations

import math


def p_value(cases: int, size: int, other_cases: int, other_size: int) -> float:
    """How often chance alone gives one side so many of all cases, or more.

    Args:
        cases: on the side in question, of ``size``.
        other_cases: on the other, of ``other_size``.
    """
    total, marked = size + other_size, cases + other_cases
    most = min(marked, size)
    if cases <= max(0, marked - other_size):
        return 1.0
    if cases * total <= marked * size:  # the other tail is the smaller one
        return 1.0 - p_value(marked - cases + 1, other_size, cases - 1, size)
    term = math.exp(
        _log_choose(marked, cases)
        + _log_choose(total - marked, size - cases)
        - _log_choose(total, size)
    )
    tail = 0.0
    for count in range(cases, most + 1):
        tail += term
        ahead = (marked - count) * (size - count)
        term *= ahead / ((count + 1) * (total - marked - size + count + 1))
        if term < tail * 1e-12:
            break
    return min(tail, 1.0)


def binomial_p_value(cases: int, size: int, share: float) -> float:
    """How often chance alone gives so many cases or more, where ``share`` of all are some."""
    if cases <= 0:
        return 1.0
    if share <= 0:
        return 0.0
    logs = (
        _log_choose(size, count) + count * math.log(share) + (size - count) * math.log1p(-share)
        for count in range(cases, size + 1)
    )
    return min(math.fsum(map(math.exp, logs)), 1.0)


def allowed(error: float, first: int, requests: int) -> float:
    """The part of the whole error that a look after so many requests may take.

    Args:
        first: requests before which nobody looks.
    """
    first = max(first, 1)
    return error * first / (requests * (requests + 1)) if requests >= first else 0.0


def _log_choose(whole: int, part: int) -> float:
    return math.lgamma(whole + 1) - math.lgamma(part + 1) - math.lgamma(whole - part + 1)
