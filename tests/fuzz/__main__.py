"""``python -m tests.fuzz``: each target under Atheris for a bounded time, in a process of its own.

A finding is kept in ``tests/data/fuzz/TARGET/``, where ``make test`` tries it from then on.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

SEEDS = Path(__file__).parents[1] / "data" / "fuzz"
_SLOWEST_SECONDS = 10
_MEMORY_MEGABYTES = 2048
_LONGEST = 4096


def main() -> int:
    """The exit code is 1 where a target has a finding."""
    from tests.fuzz.targets import TARGETS

    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(TARGETS))
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    options = parser.parse_args()
    chosen = options.targets or list(TARGETS)
    if unknown := sorted(set(chosen) - TARGETS.keys()):
        parser.error(f"no such target: {unknown[0]}")
    failed = [name for name in chosen if not _fuzz(name, options.seconds)]
    print(f"findings: {', '.join(failed) or 'none'}", file=sys.stderr)
    return 1 if failed else 0


def _fuzz(name: str, seconds: int) -> bool:
    corpus = Path(".cache/fuzz") / name
    corpus.mkdir(parents=True, exist_ok=True)
    seeds = SEEDS / name
    seeds.mkdir(parents=True, exist_ok=True)
    command = [
        sys.executable, "-m", "tests.fuzz.one", name, str(corpus), str(seeds),
        f"-max_total_time={seconds}", f"-timeout={_SLOWEST_SECONDS}", f"-max_len={_LONGEST}",
        f"-rss_limit_mb={_MEMORY_MEGABYTES}", f"-artifact_prefix={seeds}/found-",
        "-print_final_stats=1",
    ]  # fmt: skip
    print(f"== {name}", file=sys.stderr)
    done = subprocess.run(command, env=os.environ, check=False, capture_output=True, text=True,
                          errors="replace")  # fmt: skip
    lines = done.stderr.splitlines()
    shown = [line for line in lines if line.startswith(("stat::number_of", "stat::new_units"))]
    print("\n".join(shown if done.returncode == 0 else lines[-60:]), file=sys.stderr)
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
