"""A recording: frames and expected light on demand, truth, and who owns every photon."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import explanation, layers, render
from .experiment import Experiment
from .lazy import LazyArray
from .once import cached_property
from .scene import Scene
from .sensor import Scale
from .truth import Truth

FloatArray = NDArray[np.floating]


def simulate(experiment: Experiment) -> Recording:
    """Make the recording of an experiment. Cheap: work happens when frames are asked for.

    Parameters
    ----------
    experiment : Experiment

    Returns
    -------
    Recording
    """
    return Recording(experiment)


class Recording:
    """What the scope records of an experiment, and the exact truth behind it.

    Attributes
    ----------
    experiment : Experiment
    pixel_um : float
        Width of a pixel in the tissue, at nominal focus.
    frames : (T, H, W) uint8, or uint16 above 8 bits
        Counts.
    expected : (T, H, W) float32
        Photoelectrons of one exposure before noise: all light including stray, no dark current.
    truth : Truth
    """

    def __init__(self, experiment: Experiment) -> None:
        self.experiment = experiment
        self._scene = Scene(experiment)

    def __repr__(self) -> str:
        count, height, width = self.shape
        off = f", without {', '.join(self.experiment.off)}" if self.experiment.off else ""
        return f"<Recording of {count} frames, {height} x {width} px{off}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return _from_json, (self.experiment.to_json(),)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Frames that arrived, rows and columns."""
        return (len(self._scene.arrivals), *self.experiment.shape_px)

    @property
    def pixel_um(self) -> float:
        """Width of a pixel in the tissue, in µm."""
        return self.experiment.pixel_um

    @property
    def times_s(self) -> FloatArray:
        """When the exposure of each frame begins, (T,) float64 in s; jumps where frames were dropped."""
        return self._scene.arrivals.exposures(np.arange(self.shape[0])) / self.experiment.frame_rate_hz

    @property
    def counts_to_e(self) -> Scale:
        """How counts read in photoelectrons: `black`, `e_per_count`, and `full_scale`, the largest count.

        ``(frames - black) * e_per_count`` is `expected` plus the noise of light and camera, where
        nothing saturates.
        """
        dark_e, *_ = self._scene.camera
        return self._scene.converter.scale(dark_e)

    @cached_property
    def frames(self) -> LazyArray:
        """The movie in counts, (T, H, W) uint8, or uint16 above 8 bits; frames are made when asked for."""
        dtype = np.uint8 if self.experiment.sensor.bit_depth == 8 else np.uint16
        return self._lazy("frames", dtype, render.frames)

    @cached_property
    def expected(self) -> LazyArray:
        """The movie in expected photoelectrons, (T, H, W) float32."""
        return self._lazy("expected", np.float32, render.expected)

    def _lazy(self, kind: str, dtype: Any, fill: Any) -> LazyArray:
        def read(indices: NDArray[np.intp]) -> NDArray[Any]:
            out = np.empty((len(indices), *self.shape[1:]), dtype=dtype)
            fill(self._scene, self._scene.arrivals.exposures(indices), out)
            return out

        return LazyArray(
            self.shape, dtype, 0, read, lambda: (_array_from_json, self.experiment.to_json(), kind),
            "Take slices of frames, or write the recording to disk with rec.save(path).",
        )  # fmt: skip

    @cached_property
    def truth(self) -> Truth:
        """Everything that is exactly known about this recording."""
        return Truth(self._scene)

    def without(self, *names: str) -> Recording:
        """Return this recording with some layers switched off as well.

        Parameters
        ----------
        *names : str
            Layers, as in `minisim_core.LAYERS`.

        Returns
        -------
        Recording
            Of the same scene; what both have in common is computed once.

        Raises
        ------
        ParameterError
            If a name is no layer or is `cells`.
        """
        off = layers.check((*self.experiment.off, *layers.check(names)))
        return Recording(self.experiment.with_(off=off))

    def only(self, *names: str) -> Recording:
        """Return this recording with everything but these layers and the cells switched off.

        Parameters
        ----------
        *names : str
            Layers, as in `minisim_core.LAYERS`.

        Returns
        -------
        Recording

        Raises
        ------
        ParameterError
            If a name is no layer.
        """
        return Recording(self.experiment.with_(off=layers.only(names)))

    def explain(self, roi: Any, frames: slice = slice(None), cells: int | None = 8) -> dict[str, FloatArray]:
        """Say who owns the light of a region.

        Parameters
        ----------
        roi : (H, W) bool or float, or a (y, x) pixel
            Weights of the pixels.
        frames : slice
            Which frames.
        cells : int or None
            How many cells to name, strongest first; None for all.

        Returns
        -------
        dict of str to (T,) float64
            Weighted sums of `expected`: `cell:<i>`, `other_cells`, `distant_tissue`, `neuropil`,
            `stray_light`. They add up to the weighted sum of `expected`.

        Raises
        ------
        ParameterError
            If the region does not fit the frame or `cells` is negative.
        """
        return explanation.explain(self._scene, self.shape, roi, frames, cells)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the frames to an .npy file, a slice at a time, and the experiment beside it.

        Parameters
        ----------
        path : path
            Where to write; `.npy` is appended if missing. The experiment goes to the same name
            with `.json`. Nothing appears there until all of it is written.

        Returns
        -------
        Path
            The file of frames.
        """
        target = Path(path)
        if target.suffix != ".npy":
            target = target.with_name(target.name + ".npy")
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".minisim-") as folder:
            unfinished = Path(folder) / "frames.npy"
            movie = np.lib.format.open_memmap(
                unfinished, mode="w+", dtype=self.frames.dtype, shape=self.shape
            )
            for start in range(0, self.shape[0], 64):
                movie[start : start + 64] = self.frames[start : start + 64]
            movie.flush()
            del movie
            (Path(folder) / "experiment.json").write_text(self.experiment.to_json(), "utf-8")
            os.replace(unfinished, target)
            os.replace(Path(folder) / "experiment.json", target.with_suffix(".json"))
        return target


def _from_json(text: str) -> Recording:
    return Recording(Experiment.from_json(text))


def _array_from_json(text: str, kind: str) -> LazyArray:
    array: LazyArray = getattr(_from_json(text), kind)
    return array
