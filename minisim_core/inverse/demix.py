"""Demixing as CNMF does it: footprints times time courses plus background, solved together.

    movie ≈ A·C + b·f

with footprints A and courses C not negative. With known footprints this is one weighted least-squares
problem (`with_footprints`); blind, footprints and courses improve each other in turns (`blind`), from
seeds where neighbouring pixels flicker alike. The model is that of CNMF (Pnevmatikakis et al. 2016,
Neuron 89:285), its background for one photon that of CNMF-E (Zhou et al. 2018, eLife 7:e28728).

This is an instrument for teaching: small, readable, honest about where it fails. It does not deconvolve
spikes (OASIS does: Friedrich et al. 2017, PLoS Comput. Biol. 13:e1005423), does not correct motion
(`registration` does, and must come first), and has no answer to a course that bleaches. For your data
use a pipeline that is maintained for them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..kernels import demix as kernels
from ..parameters import ParameterError, Parameters, build, quantity
from .alternating import Alternation
from .courses import Conditioning, conditioning, solve
from .grid import coarse_grid
from .lowrank import smooth_images
from .movies import NoiseLine, Progress, Survey, columns_of, part, project, shape_of, survey
from .seeds import PEAK_PERCENT

if TYPE_CHECKING:
    from scipy import sparse

__all__ = ["Demixed", "NoiseLine", "Settings", "blind", "with_footprints"]

FloatArray = NDArray[np.floating]
Float32Array = NDArray[np.float32]

TURNS = 2  # of the alternation, after each search for cells
FEWEST_IMAGES = 6  # of the background
LEAST_BINS = 20  # of frames: fewer hold no events to tell cells by


@dataclass(frozen=True, eq=False)
class Demixed:
    """A movie taken apart: movie ≈ A·C + b·f, and how far to trust it.

    Parameters
    ----------
    shape_px : (H, W)
    A : (H * W, K) scipy.sparse.csc_array of float32
        Footprints, pixels row by row; each sums to 1 if found blind.
    C : (K, T) float32
        Courses above rest, not negative, in the movie's unit times that of `A`.
    b : (H * W, R) array or sparse array of float32
        Background images; the first is the still one.
    f : (R, T) float32
        Their courses; the first is 1.
    noise : (K,) float32
        Sd of each course's noise in one frame, neighbours included.
    conditioning : Conditioning
        Condition number, cells that are masked, pairs that are nearly the same.
    notes : tuple of str
        What a reader must know: ill-conditioned cells, pixels left out, nothing found.
    """

    shape_px: tuple[int, int]
    A: sparse.csc_array
    C: Float32Array
    b: Any
    f: Float32Array
    noise: Float32Array
    conditioning: Conditioning
    notes: tuple[str, ...]

    def __len__(self) -> int:
        return int(self.A.shape[1])

    @property
    def condition(self) -> float:
        """Condition number of the weighted footprints' Gram matrix, scaled to a diagonal of 1."""
        return self.conditioning.condition

    @property
    def doubtful(self) -> NDArray[np.intp]:
        """Cells whose course should not be trusted, ascending."""
        return self.conditioning.doubtful

    def frames(self, frames: slice = slice(None)) -> FloatArray:
        """Put the movie together again.

        Parameters
        ----------
        frames : slice
            Which frames.

        Returns
        -------
        (T, H, W) float32
        """
        whole = self.A @ self.C[:, frames] + self.b @ self.f[:, frames]
        return whole.T.reshape(-1, *self.shape_px)

    def text(self) -> str:
        """Say what was found and what to doubt.

        Returns
        -------
        str
            A sentence a line.
        """
        count = len(self)
        first = f"{count} cell{'' if count == 1 else 's'} in {self.f.shape[1]} frames"
        return "\n".join([f"{first}, condition number {self.condition:.2g}" if count else first, *self.notes])


def with_footprints(
    movie: Any,
    A: Any,
    *,
    rank: int | None = None,
    soma_px: float = 8.0,
    noise: NoiseLine | None = None,
    progress: Progress | None = None,
) -> Demixed:
    """Solve for the courses of known footprints and a smooth background together.

    Parameters
    ----------
    movie : (T, H, W) array
        Counts, registered. Anything that gives frames when sliced. Pixels that are not finite in
        every frame, as registration leaves at the edges, are left out.
    A : (K, H, W) array, (H * W, K) sparse array, or sequence of (y0, x0, patch)
        Footprints.
    rank : int, optional
        Images of the changing background, 0 to 100; by default one for each square of ten cell bodies
        across, but six at least: haze further apart flickers by itself.
    soma_px : float
        Diameter of a cell body, above 2; background is smooth over two of them.
    noise : NoiseLine, optional
        How noise grows with light; by default measured on the movie. Pixels are weighted by it.
    progress : callable
        Told the share that is done, 0 to 1; what it raises ends the work.

    Returns
    -------
    Demixed
        Cells in the order of `A`. Footprints that nearly coincide, or that others cover, leave courses
        uncertain: `condition`, `doubtful` and `notes` say so.

    Raises
    ------
    ParameterError
        If movie or footprints hold nothing to solve for, or an option is out of its limits.
    """
    if rank is not None and not 0 <= rank <= 100:
        raise ParameterError(f"rank = {rank} is refused: it must be 0 to 100")
    if not soma_px > 2:
        raise ParameterError(f"soma_px = {soma_px} is refused: it must be above 2")
    from scipy import sparse

    seen = survey(movie, noise=noise, progress=part(progress, 0, 0.3))
    footprints = columns_of(A, seen)
    cells = footprints.shape[1]
    if rank is None:
        rank = min(max(round(len(seen.mean) / (10 * soma_px) ** 2), FEWEST_IMAGES), 100)
    grid = coarse_grid(seen, max(1, round(soma_px / 2)))
    weighted = _scaled(footprints, seen.precision)
    sums = project(
        sparse.csc_array(sparse.hstack([weighted, grid.pool], format="csc")), movie,
        part(progress, 0.3, 0.7),
    )  # fmt: skip
    sums -= sums.mean(axis=1, keepdims=True)
    rows = footprints.tocsr()
    coarse = grid.pool.T @ rows
    images = smooth_images(sums[cells:], coarse, grid.shape, 2 * soma_px / max(1, round(soma_px / 2)), rank)
    b = grid.spread @ images
    told = part(progress, 0.7, 1)
    told(0.5)
    b_weighted = sparse.csc_array(b * seen.precision[:, None])
    everything = np.vstack([sums[:cells], project(b_weighted, movie)])
    everything -= everything.mean(axis=1, keepdims=True)
    gram = _joint_gram(rows, b, seen.precision)
    solved, lift = solve(gram, everything, cells)
    told(1)
    return _demixed(seen, footprints, solved, lift, b, gram)


class Settings(Parameters):
    """What blind demixing is told. One set for every preset and seed."""

    soma_um: float = quantity(12.0, "diameter of a cell body", low=4, high=40, unit="µm", step=0.5)
    bin_s: float = quantity(
        0.2, "frames are averaged over this while cells are sought", low=0.01, high=2, unit="s", step=0.05
    )
    peak_to_noise: float = quantity(
        6.0, "least peak of a seed, in sd of its noise", low=2, high=50, step=0.5, label="Peak to noise"
    )
    local_correlation: float = quantity(
        0.4, "least correlation of a seed with its neighbours", low=0, high=1, step=0.05
    )
    ring_um: float = quantity(
        24.0, "inner radius of the ring that tells the haze at its middle", low=8, high=100, unit="µm", step=1
    )
    ring_width_um: float = quantity(12.0, "width of that ring", low=2, high=50, unit="µm", step=1)
    merge_overlap: float = quantity(
        0.3, "cosine of two footprints from which they may be one cell", low=0, high=1, step=0.05
    )
    merge_correlation: float = quantity(
        0.85, "correlation of two courses from which they may be one cell", low=0, high=1, step=0.05
    )
    signal_to_noise: float = quantity(
        4.0, "least peak of a cell's course, in sd of its noise", low=0, high=50, step=0.5
    )
    rounds: int = quantity(3, "how often cells are sought in what is left", low=1, high=10, step=1)


def blind(
    movie: Any,
    *,
    pixel_um: float,
    frame_rate_hz: float,
    noise: NoiseLine | None = None,
    progress: Progress | None = None,
    **settings: Any,
) -> Demixed:
    """Find cells, their footprints and courses, and the haze.

    Parameters
    ----------
    movie : (T, H, W) array
        Counts, registered. Anything that gives frames when sliced; read twice. Pixels that are not
        finite in every frame, as registration leaves at the edges, are left out.
    pixel_um : float
        Width of a pixel in the tissue.
    frame_rate_hz : float
    noise : NoiseLine, optional
        How noise grows with light; by default measured on the movie.
    progress : callable
        Told the share that is done, 0 to 1; what it raises ends the work.
    **settings
        Fields of `Settings`.

    Returns
    -------
    Demixed
        Cells brightest first. If none was found, it is empty and `notes` says how far off the best
        seed was.

    Raises
    ------
    ParameterError
        If the movie holds nothing to look at, or a setting is out of its limits.
    """
    chosen = build(Settings, settings, "demix")
    for name, value in (("pixel_um", pixel_um), ("frame_rate_hz", frame_rate_hz)):
        if not (np.isfinite(value) and value > 0):
            raise ParameterError(f"{name} = {value} is refused: it must be above 0")
    frames = shape_of(movie)[0]
    per_bin = max(1, round(chosen.bin_s * frame_rate_hz))
    if frames // per_bin < LEAST_BINS:
        raise ParameterError(
            f"movie of {frames} frames is refused: at {frame_rate_hz:g} frames/s and bins of "
            f"{chosen.bin_s:g} s, blind demixing needs {LEAST_BINS * per_bin}"
        )
    seen = survey(movie, frames_per_bin=per_bin, noise=noise, progress=part(progress, 0, 0.2))
    work = Alternation(seen, chosen, pixel_um)
    told = part(progress, 0.3, 0.8)
    for number in range(chosen.rounds):
        found, image = work.seed()
        for turn in range(TURNS):
            told((number + turn / TURNS) / chosen.rounds)
            work.turn(fit_rings=turn == 0)
        if not found:
            break
    if not work.A.shape[1]:
        at = np.unravel_index(image.product.argmax(), seen.shape_px)
        return _nothing(
            seen,
            f"the best seed left has a peak of {image.peak_to_noise[at]:.1f} sd of its noise and a local "
            f"correlation of {image.correlation[at]:.2f}; {chosen.peak_to_noise:g} and "
            f"{chosen.local_correlation:g} are asked for, and a footprint in one piece",
        )
    return _finished(movie, work, part(progress, 0.8, 1))


def _finished(movie: Any, work: Alternation, progress: Progress) -> Demixed:
    """Solve for the courses frame by frame, and drop cells that drown in noise."""
    from scipy import sparse

    seen, grid, A = work.seen, work.grid, work.A
    weighted, gram = work.products()
    cells = len(gram)
    sums = project(sparse.csc_array(sparse.hstack([weighted, grid.pool], format="csc")), movie, progress)
    sums -= sums.mean(axis=1, keepdims=True)
    own, blocks = sums[:cells], sums[cells:]
    shade, in_blocks = weighted.T @ grid.spread, grid.pool.T @ A
    kept = np.arange(cells)
    C = np.zeros_like(own)
    for turn in range(TURNS + 1):
        haze = work.ring @ (blocks - in_blocks[:, kept] @ (C - C.mean(axis=1, keepdims=True)))
        C, lift = solve(gram[np.ix_(kept, kept)], own[kept] - shade[kept] @ haze, len(kept))
        if turn == 0:
            noise = np.sqrt(conditioning(gram, cells).inflation / np.diag(gram))
            standing = np.percentile(C, PEAK_PERCENT, axis=1) / noise
            order = np.argsort(-standing)
            kept = order[standing[order] >= work.settings.signal_to_noise]
            C = C[kept]
            if not len(kept):
                return _nothing(
                    seen,
                    f"the best of {cells} candidates stands {standing.max():.1f} sd above its noise; "
                    f"{work.settings.signal_to_noise:g} are asked for",
                )
    solved = np.vstack([C, haze])
    return _demixed(seen, sparse.csc_array(A[:, kept]), solved, lift, grid.spread, gram[np.ix_(kept, kept)])


def _nothing(seen: Survey, why: str) -> Demixed:
    """Return an empty result that says why it is empty."""
    from scipy import sparse

    empty = np.zeros((0, seen.frames), dtype=np.float32)
    still = np.ones((1, seen.frames), dtype=np.float32)
    return Demixed(
        seen.shape_px, sparse.csc_array((len(seen.mean), 0), dtype=np.float32), empty, seen.mean[:, None],
        still, np.zeros(0, dtype=np.float32), conditioning(np.zeros((0, 0)), 0),
        (f"no cell was found: {why}",),
    )  # fmt: skip


def _scaled(columns: sparse.csc_array, rows: Float32Array) -> sparse.csc_array:
    from scipy import sparse

    data = columns.data * rows[columns.indices]
    return sparse.csc_array((data, columns.indices, columns.indptr), shape=columns.shape)


def _joint_gram(rows: sparse.csr_array, b: Float32Array, precision: Float32Array) -> FloatArray:
    """Weighted products of all footprints and background images, cells first."""
    cells = rows.shape[1]
    out = np.empty((cells + b.shape[1],) * 2)
    own = np.empty((cells, cells))
    kernels.gram(own, rows.indptr, rows.indices, rows.data, precision)
    out[:cells, :cells] = own
    weighted = b * precision[:, None]
    out[:cells, cells:] = rows.T @ weighted
    out[cells:, :cells] = out[:cells, cells:].T
    out[cells:, cells:] = b.T.astype(float) @ weighted
    return out


def _demixed(
    seen: Survey,
    footprints: sparse.csc_array,
    solved: Float32Array,
    lift: Float32Array,
    b: Any,
    gram: FloatArray,
) -> Demixed:
    from scipy import sparse

    cells = footprints.shape[1]
    sure = conditioning(gram, cells)
    still = (seen.mean - footprints @ lift).astype(np.float32)[:, None]
    images = sparse.hstack([still, b], format="csr") if sparse.issparse(b) else np.hstack([still, b])
    f = np.vstack([np.ones((1, solved.shape[1]), dtype=np.float32), solved[cells:]])
    notes = sure.notes()
    if not seen.valid.all():
        notes.insert(0, f"{(~seen.valid).sum()} pixels are not finite in every frame and were left out")
    noise = np.sqrt(sure.inflation / np.diag(gram)[:cells]).astype(np.float32)
    return Demixed(
        seen.shape_px, footprints, solved[:cells], images, f, noise, sure, tuple(notes),
    )  # fmt: skip
