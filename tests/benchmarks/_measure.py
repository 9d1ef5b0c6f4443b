"""What both workers share: their command line, their clock and their memory gauge.

Standard library only, because the same file runs inside the peer's environment and inside ours.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
from collections.abc import Callable
from time import perf_counter

FRAME_RATE_HZ = 20.0
SLICE_FRAMES = 64  # frames held at once by our streaming route


def arguments(description: str | None) -> argparse.Namespace:
    """Read the worker's command line; both workers take the same one."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--scene", choices=("v4-ca1", "guide"), default="v4-ca1")
    parser.add_argument("--frames", type=int, default=200)
    parser.add_argument("--route", choices=("memory", "disk"), default="memory")
    parser.add_argument("--target", help="file the disk route writes to")
    parser.add_argument("--bodies-only", action="store_true", help="cells without dendrites")
    parser.add_argument("--density", type=float, default=1.0, help="ours: times the preset's density")
    parser.add_argument("--no-warm-up", action="store_true", help="the cold-start row")
    parser.add_argument("--import-only", action="store_true", help="render nothing")
    return parser.parse_args()


def timed_import(load: Callable[[], object]) -> float:
    """Seconds that ``load``, which imports a package, takes."""
    start = perf_counter()
    load()
    return perf_counter() - start


def peak_mb() -> float:
    """Largest resident memory of this process so far, in MB (10^6 bytes)."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6


def report(**figures: object) -> None:
    """Print the figures as the one JSON line the parent reads."""
    print(json.dumps(figures | {"peak_mb": peak_mb()}), flush=True)
