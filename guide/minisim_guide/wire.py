"""How pictures travel: raw counts; on a slow link packed without loss, and coarser while the hand moves."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from .link import Link

SLOW_S = 0.1
"""A link is slow where a pair of pictures occupies it for longer than this."""

BINS = (1, 2, 4)
"""How many pixels a side a draft's pixel may stand for."""

SIDES = ("left", "right")


def pack(counts: np.ndarray) -> bytes:
    """Compress counts without loss: of 16 bits, the high bytes first, which hardly differ.

    The browser undoes it with its own ``DecompressionStream("deflate")``.
    """
    raw = np.ascontiguousarray(counts).view(np.uint8).reshape(-1, counts.itemsize)
    return zlib.compress(raw.T[::-1].tobytes(), 1)


def unpack(data: bytes, dtype: Any) -> np.ndarray:
    """Return the counts that were packed, in one dimension."""
    dtype = np.dtype(dtype)
    planes = np.frombuffer(zlib.decompress(data), np.uint8).reshape(dtype.itemsize, -1)
    return np.ascontiguousarray(planes[::-1].T).view(dtype).ravel()


def binned(counts: np.ndarray, size: int) -> np.ndarray:
    """Return the means of squares of `size` pixels, as counts; what fills no square is left out."""
    if size == 1:
        return counts
    rows, columns = (length // size for length in counts.shape)
    squares = counts[: rows * size, : columns * size].reshape(rows, size, columns, size)
    return np.rint(squares.mean(axis=(1, 3), dtype=np.float32)).astype(counts.dtype)


def picture(
    content: Mapping[str, Any], link: Link, *, draft: bool, before: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return a picture as it is sent: whole and raw, or as the link bears it.

    Parameters
    ----------
    content
        The picture; `left` and `right` hold (H, W) counts.
    link
        The link to the view.
    draft
        Whether a coarser one will do where the link is slow.
    before
        The picture that the view has, with how it was `binned`; a side that is still the same does not
        travel again.

    Returns
    -------
    dict
        The picture with `left` and `right` as bytes, `packed` or not, by how much it is `binned`, and which
        sides are `kept`: their bytes are empty.
    """
    kept = [] if before is None else [side for side in SIDES if _same(content[side], before[side])]
    fresh = {side: content[side] for side in SIDES if side not in kept}
    size, data = 1, [counts.tobytes() for counts in fresh.values()]
    packed = is_slow(link, list(fresh.values()))
    if packed:
        for size in BINS if draft else BINS[:1]:
            data = [pack(binned(counts, size)) for counts in fresh.values()]
            if link.seconds(sum(map(len, data))) <= SLOW_S:
                break
    if kept and before is not None and size != before["binned"]:
        return picture(content, link, draft=draft)
    sides = dict.fromkeys(SIDES, b"") | dict(zip(fresh, data, strict=True))
    return {**content, "packed": packed, "binned": size, "kept": kept, **sides}


def _same(counts: np.ndarray, before: np.ndarray) -> bool:
    return counts.dtype == before.dtype and np.array_equal(counts, before)


def counts(frames: list[np.ndarray], link: Link) -> tuple[bool, list[bytes | memoryview]]:
    """Return whether frames are packed for this link, and their bytes; those of a fast one are not copied."""
    packed = is_slow(link, frames)
    return packed, [pack(f) if packed else np.ascontiguousarray(f).data.cast("B") for f in frames]


def is_slow(link: Link, sides: list[np.ndarray]) -> bool:
    """Return whether these counts would occupy the link for too long as they are."""
    return link.seconds(sum(side.nbytes for side in sides)) > SLOW_S
