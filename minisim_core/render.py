"""Frames from a scene: one at a time, on a small pool of threads."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from . import sensor
from .canvas import FAR_LEVEL, Canvas
from .clock import FRAMES_PER_BLOCK
from .kernels import frame as kernels
from .kernels.stack import move_and_light, path_taps
from .kernels.warp import warp
from .memory import check_cancelled
from .scene import Block, Scene

FloatArray = NDArray[np.floating]
Float32Array = NDArray[np.float32]


class Scratch(NamedTuple):
    """Buffers of one thread."""

    near: NDArray[Any]
    far: NDArray[Any]
    taps: Float32Array
    expected: Float32Array


_local = threading.local()


def scratch(canvas: Canvas, dtype: type = np.float32) -> Scratch:
    """Return this thread's buffers for a canvas."""
    key = (canvas, dtype)
    if getattr(_local, "key", None) != key:
        size = canvas.level_offsets[-1]
        reach = 2 * canvas.margin_px + 8
        _local.key = key
        _local.scratch = Scratch(
            np.zeros(size, dtype=dtype),
            np.zeros(size, dtype=dtype),
            np.zeros((reach, reach), dtype=np.float32),
            np.empty((canvas.height_px, canvas.width_px), dtype=np.float32),
        )
    return _local.scratch  # type: ignore[no-any-return]


def draw(scene: Scene, block: Block, at: int) -> tuple[Float32Array, Any]:
    """Draw the tissue of one frame of a block: the canvas, and the taps that move it."""
    buffers = scratch(scene.canvas)
    haze = scene.haze_arrays
    kernels.draw(
        buffers.near, buffers.far, scene.grid, FAR_LEVEL, scene.cell_arrays,
        *scene.cell_light(block, at),
        *haze, np.ascontiguousarray(block.haze[:, at]), scene.beyond * np.float32(block.beyond[at]),
        scene.inverse_beam, scene.shadow_arrays, block.swelling[at],
    )  # fmt: skip
    shape = scene.canvas.level_shape(0)
    canvas, spare = (pyramid[: shape[0] * shape[1]].reshape(shape) for pyramid in buffers[:2])
    if block.flow_px[at].size:
        warp(spare, canvas, block.flow_px[at], *scene.flow_place)
        canvas = spare
    return canvas, path_taps(buffers.taps, block.path_px[at])


def expect(scene: Scene, block: Block, at: int, out: Float32Array) -> None:
    """Render the expected light of one frame of a block into `out`."""
    canvas, motion = draw(scene, block, at)
    move_and_light(out, canvas, scene.canvas.margin_px, motion, scene.shade, scene.stray)


def count(scene: Scene, block: Block, frame: int, out: NDArray[Any]) -> None:
    """Render the counts of one frame of a block into `out`."""
    at = frame % FRAMES_PER_BLOCK
    if "noise" not in scene.on:
        expected = scratch(scene.canvas).expected
        expect(scene, block, at, expected)
        dark_e, _, full_well_e, *_ = scene.camera
        sensor.expose_mean(out, expected, dark_e, full_well_e, scene.converter)
        return
    canvas, motion = draw(scene, block, at)
    pixels = scene.pixels(frame)
    kernels.photograph(
        out, scratch(scene.canvas).expected[0], canvas, scene.canvas.margin_px, motion, scene.shade,
        scene.stray, (pixels.gain, pixels.offset), *scene.sensor_origin_px,
        sensor.noise_key(scene.experiment.seed), frame, scene.camera,
    )  # fmt: skip


def frames(scene: Scene, indices: NDArray[np.intp], out: NDArray[Any]) -> None:
    """Render frames of counts into `out`, (len(indices), H, W)."""
    _for_each(scene, indices, out, partial(count, scene))


def expected(scene: Scene, indices: NDArray[np.intp], out: Float32Array) -> None:
    """Render expected light into `out`, (len(indices), H, W)."""

    def one(block: Block, frame: int, target: NDArray[Any]) -> None:
        expect(scene, block, frame % FRAMES_PER_BLOCK, target)

    _for_each(scene, indices, out, one)


def mean_expected(scene: Scene, indices: NDArray[np.intp]) -> Float32Array:
    """Return the expected light of one frame that is lit and moved as some frames are on average, (H, W)."""
    out = np.empty((scene.canvas.height_px, scene.canvas.width_px), dtype=np.float32)
    expect(scene, _averaged(scene, indices), 0, out)
    return out


def _averaged(scene: Scene, indices: NDArray[np.intp]) -> Block:
    """Average all that changes with time over some frames, into one whose path has all their points."""
    numbers, ats = indices // FRAMES_PER_BLOCK, indices % FRAMES_PER_BLOCK
    blocks = [(scene.block(int(n)), ats[numbers == n]) for n in np.unique(numbers)]

    def mean(name: str, axis: int) -> NDArray[Any]:
        parts = [np.take(getattr(block, name), at, axis=axis) for block, at in blocks]
        of_all: NDArray[Any] = np.concatenate(parts, axis=axis).mean(axis=axis, keepdims=True)
        return of_all

    paths = np.concatenate([block.path_px[at] for block, at in blocks])
    return Block(
        fluorescence=mean("fluorescence", 1),
        haze=mean("haze", 1),
        beyond=mean("beyond", 0),
        swelling=mean("swelling", 0),
        path_px=paths.reshape(1, -1, 2),
        flow_px=mean("flow_px", 0),
        focus_weights=mean("focus_weights", 0),
    )


def _for_each(
    scene: Scene,
    indices: NDArray[np.intp],
    out: NDArray[Any],
    render: Callable[[Block, int, NDArray[Any]], None],
) -> None:
    """Render every frame by itself; how many are asked for changes nothing in any of them."""
    if not len(indices):
        return
    _prepare(scene, int(indices[0]))
    by_block: dict[int, list[int]] = {}
    for k, frame in enumerate(indices):
        by_block.setdefault(int(frame) // FRAMES_PER_BLOCK, []).append(k)

    def one(block: Block, k: int) -> None:
        check_cancelled()
        render(block, int(indices[k]), out[k])

    if len(indices) == 1 or threads() == 1:
        for number, members in by_block.items():
            block = scene.block(number)
            for k in members:
                one(block, k)
        return
    numbers = list(by_block)
    coming = _submit(scene.block, numbers[0])
    for number, following in zip(numbers, [*numbers[1:], None], strict=True):
        block = coming.result()
        if following is not None:  # it is made ready while this one's frames are rendered
            coming = _submit(scene.block, following)
        _all(_submit(one, block, k) for k in by_block[number])


def _prepare(scene: Scene, first_frame: int) -> None:
    """Have every static stage ready before threads ask for them."""
    heavy = [
        lambda: scene.cell_arrays,
        lambda: scene.haze_arrays,
        lambda: scene.fluorescence(first_frame // FRAMES_PER_BLOCK),
        lambda: scene.population,
        lambda: scene.shadow_arrays,
        lambda: scene.beyond,
        lambda: scene.pattern if "noise" in scene.on else None,
    ]
    if threads() == 1:
        for stage in heavy:
            stage()
    else:
        _ = scene.places  # the others build on them
        _all(_submit(stage) for stage in heavy)
    for name in ("grid", "amplitudes", "beyond", "inverse_beam", "shade", "stray", "flow_place"):
        getattr(scene, name)


def _submit(function: Callable[..., Any], *args: Any) -> Future[Any]:
    """Run a function in the pool; what cancels this thread's work cancels it too."""
    return _pool().submit(copy_context().run, function, *args)


def _all(futures: Iterable[Future[Any]]) -> None:
    """Wait for all of them; the first error drops those that have not begun."""
    waiting = list(futures)
    try:
        for future in waiting:
            future.result()
    finally:
        for future in waiting:
            future.cancel()


def threads() -> int:
    """How many threads render frames: MINISIM_THREADS, or the processors at hand."""
    asked = os.environ.get("MINISIM_THREADS", "")
    if asked.isdigit() and int(asked) > 0:
        return int(asked)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads(), thread_name_prefix="minisim")
