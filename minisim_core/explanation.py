"""Who owns the light of a region: the transpose of rendering, dotted with every source."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .background import HazeArrays
from .canvas import FAR_LEVEL
from .clock import FRAMES_PER_BLOCK
from .kernels import frame as kernels
from .kernels.stack import path_taps
from .parameters import ParameterError
from .render import scratch
from .scene import Block, Scene

FloatArray = NDArray[np.floating]


def explain(
    scene: Scene, shape: tuple[int, int, int], roi: Any, frames: slice, cells: int | None
) -> dict[str, FloatArray]:
    """Split the weighted sum of the expected light (see `Recording.explain`)."""
    if cells is not None and cells < 0:
        raise ParameterError(f"cells = {cells} is refused: it must be at least 0, or None for all")
    weights = _weights(roi, shape[1:])
    asked = np.array(range(shape[0])[frames], dtype=np.intp)
    numbers: list[int] = scene.arrivals.exposures(asked).tolist()
    owned = np.zeros((len(scene.places), len(numbers)))
    parts: dict[str, FloatArray] = {
        name: np.zeros(len(numbers)) for name in ("distant_tissue", "neuropil", "stray_light")
    }
    parts["stray_light"][:] = (weights * scene.stray.map).sum()
    block: Block | None = None
    current = -1
    for t, frame in enumerate(numbers):
        if frame // FRAMES_PER_BLOCK != current or block is None:
            current = frame // FRAMES_PER_BLOCK
            block = scene.block(current)
        owned[:, t], parts["distant_tissue"][t], parts["neuropil"][t] = _one_frame(
            scene, block, frame % FRAMES_PER_BLOCK, weights
        )
    return _named(scene, owned, parts, cells)


def _one_frame(scene: Scene, block: Block, at: int, weights: FloatArray) -> tuple[FloatArray, float, float]:
    buffers = scratch(scene.canvas, np.float64)
    kernels.pull_back(
        weights, buffers.near, buffers.far, scene.grid, FAR_LEVEL, scene.inverse_beam,
        scene.shadow_arrays, block.swelling[at], (block.flow_px[at], *scene.flow_place),
        scene.canvas.margin_px, path_taps(buffers.taps, block.path_px[at]), scene.shade,
    )  # fmt: skip
    near, far = np.empty((2, len(block.focus_weights[at]), len(scene.places)))
    kernels.weigh_cells(
        near.ravel(), far.ravel(), buffers.near, buffers.far, scene.grid, FAR_LEVEL, scene.cell_arrays
    )
    near_light, far_light = scene.amplitudes
    near = (block.focus_weights[at][:, None] * near).sum(axis=0)
    cells = (near * near_light + far[0] * far_light) * block.fluorescence[:, at]
    beyond = float((_level(scene, buffers.far, FAR_LEVEL) * scene.beyond.ravel()).sum())
    haze = 0.0
    if "neuropil" in scene.on:
        level, near_haze, far_haze = scene.haze_arrays
        seen = _patches_seen(near_haze, _level(scene, buffers.near, level))
        seen += _patches_seen(far_haze, _level(scene, buffers.far, FAR_LEVEL))
        haze = float(seen @ block.haze[:, at])
    return cells, beyond * float(block.beyond[at]), haze


def _patches_seen(haze: HazeArrays, weights: FloatArray) -> FloatArray:
    """Return what the weights on its nodes make of the mean haze and of every patch's share."""
    weighed = weights.reshape(haze.mean.shape) * haze.mean
    return np.concatenate([[weighed.sum()], (haze.along_y @ weighed @ haze.along_x.T).ravel()])


def _level(scene: Scene, buffer: FloatArray, level: int) -> FloatArray:
    offsets = scene.grid[0]
    return buffer[offsets[level] : offsets[level + 1]]


def _named(
    scene: Scene, owned: FloatArray, parts: dict[str, FloatArray], cells: int | None
) -> dict[str, FloatArray]:
    order = np.argsort(-owned.sum(axis=1), kind="stable")
    strongest = order if cells is None else order[:cells]
    named = {f"cell:{i}": owned[i] for i in strongest if cells is None or owned[i].any()}
    rest = np.ones(len(owned), dtype=bool)
    rest[strongest] = False
    if rest.any():
        named["other_cells"] = owned[rest].sum(axis=0)
    on = {
        "distant_tissue": bool(scene.beyond.any()),
        "neuropil": "neuropil" in scene.on,
        "stray_light": "stray_light" in scene.on,
    }
    return named | {name: part for name, part in parts.items() if on[name]}


def _weights(roi: Any, shape: tuple[int, int]) -> FloatArray:
    if isinstance(roi, tuple) and len(roi) == 2 and all(np.ndim(v) == 0 for v in roi):
        y, x = (int(v) for v in roi)
        if not (0 <= y < shape[0] and 0 <= x < shape[1]):
            raise ParameterError(
                f"roi = {(y, x)} is refused: a pixel must lie in 0..{shape[0] - 1}, 0..{shape[1] - 1}"
            )
        weights = np.zeros(shape)
        weights[y, x] = 1
        return weights
    weights = np.asarray(roi)
    if weights.shape != tuple(shape):
        raise ParameterError(
            f"roi of shape {weights.shape} is refused: it must be a (y, x) pixel or weights of "
            f"shape {tuple(shape)}"
        )
    weights = weights.astype(float)
    if not np.isfinite(weights).all():
        raise ParameterError("roi is refused: its weights must be finite")
    return weights
