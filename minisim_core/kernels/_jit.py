"""The one alias that holds numba's flags, and the list of what it compiled."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba

KERNELS: list[Any] = []
_SOURCES = sorted(Path(__file__).parent.glob("*.py"))
_STAMP = hashlib.blake2b(b"".join(path.read_bytes() for path in _SOURCES)).digest()
_uncached_said = False


def jit(function: Callable[..., Any]) -> Any:
    """Compile a kernel at its first call: serial, without the GIL, cached where a folder allows.

    Fused multiply-add is the only liberty with floats, so a result depends on nothing but the
    arguments. A kernel holds the code of those that it calls: left to the linker, which copy runs, and
    with it the last bit, would depend on what the process has loaded before.
    """
    options: dict[str, Any] = {
        "nogil": True,
        "error_model": "numpy",
        "fastmath": {"contract"},
        "forceinline": True,
    }
    try:
        kernel = numba.njit(function, cache=True, **options)
        # numba looks at the kernel's own file alone, but kernels hold code of other files, too
        index = kernel._cache._cache_file  # type: ignore[attr-defined]
        index._source_stamp = _STAMP
        index._load_index = _forgiving(index._load_index)
    except RuntimeError:  # numba found no folder it may write its cache to
        _say_uncached()
        kernel = numba.njit(function, **options)
    KERNELS.append(kernel)
    return kernel


def _forgiving(load_index: Callable[[], dict[Any, Any]]) -> Callable[[], dict[Any, Any]]:
    """Let an index that cannot be read, as it names types of another version, count as empty."""

    def load() -> dict[Any, Any]:
        try:
            return load_index()
        except Exception:
            return {}

    return load


def _say_uncached() -> None:
    global _uncached_said
    if not _uncached_said:
        _uncached_said = True
        warnings.warn(
            "no folder for compiled code is writable, so the kernels are compiled anew in every "
            "process; set NUMBA_CACHE_DIR to a writable folder to avoid that",
            stacklevel=4,
        )


def inline(function: Callable[..., Any]) -> Any:
    """Compile a helper that is only ever part of other kernels."""
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy", "fastmath": {"contract"}}
    return numba.njit(function, inline="always", **options)
