"""Memory of this process."""

from __future__ import annotations

import resource
import sys

__all__ = ["MEBIBYTE", "resident_peak"]

MEBIBYTE = 2**20


def resident_peak() -> int:
    """Largest resident set of this process so far, in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak
