"""The turns of blind demixing: haze given cells, courses given both, footprints given all of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..kernels import demix as kernels
from . import components, seeds
from .courses import solve
from .grid import CoarseGrid, coarse_grid
from .movies import Survey
from .ring import ring_weights

if TYPE_CHECKING:
    from scipy import sparse

    from .demix import Settings

FloatArray = NDArray[np.floating]
Float32Array = NDArray[np.float32]

_BLOCKS_PER_SOMA = 2


@dataclass(eq=False)
class Alternation:
    """A blind demixing on its way, on bins of frames.

    Parameters
    ----------
    seen : Survey
        With bins.
    settings : Settings
    pixel_um : float
    """

    seen: Survey
    settings: Settings
    pixel_um: float
    A: sparse.csc_array = field(init=False)
    C: Float32Array = field(init=False)
    haze: Float32Array = field(init=False)
    ring: Any = field(init=False)

    def __post_init__(self) -> None:
        from scipy import sparse

        seen = self.seen
        self.soma_px = self.settings.soma_um / self.pixel_um
        self.grid: CoarseGrid = coarse_grid(seen, max(1, round(self.soma_px / _BLOCKS_PER_SOMA)))
        seen.binned.__imul__(np.float32(1 / seen.frames_per_bin))
        seen.binned.__isub__(seen.mean[:, None])
        self.blocks = self.grid.pool.T @ seen.binned
        self.blocks -= self.blocks.mean(axis=1, keepdims=True)
        relative = np.where(seen.valid & (seen.mean > 0), 1 / np.maximum(seen.mean, 1e-6), 0)
        self.relative = relative.astype(np.float32)
        images = (seen.binned * self.relative[:, None]).T.reshape(-1, *seen.shape_px)
        self.filtered = seeds.band_passed(images, self.soma_px)
        self.A = sparse.csc_array((len(seen.mean), 0), dtype=np.float32)
        self.C = np.zeros((0, self.blocks.shape[1]), dtype=np.float32)
        self.haze = np.zeros_like(self.blocks)

    # -- finding cells ----------------------------------------------------------------------

    def left(self) -> Float32Array:
        """Return the band-passed movie without the cells that are known."""
        out = self.filtered.copy()
        margin = int(np.ceil(1.5 * self.soma_px))
        scaled = self.A.multiply(self.relative[:, None]).tocsc()
        for course, (y0, x0, patch) in zip(
            self.C - self.C.mean(axis=1, keepdims=True),
            components.patches_of(scaled, self.seen.shape_px, margin),
            strict=True,
        ):
            image = seeds.band_passed(patch, self.soma_px)
            out[:, y0 : y0 + patch.shape[0], x0 : x0 + patch.shape[1]] -= course[:, None, None] * image
        return out

    def seed(self) -> tuple[int, seeds.SeedImage]:
        """Add cells where what is left flickers; return how many, and the image they were sought in."""
        from scipy import sparse

        movie = self.left()
        image = seeds.seed_image(movie, self.soma_px)
        found = seeds.places(
            image, self.soma_px, self.settings.peak_to_noise, self.settings.local_correlation
        )
        mean = self.seen.mean.reshape(self.seen.shape_px)
        patches, reach = [], round(self.soma_px)
        for place in found:
            (y0, x0, shape), _ = seeds.first_shape(movie, place, reach)
            patches.append((y0, x0, shape * mean[y0 : y0 + shape.shape[0], x0 : x0 + shape.shape[1]]))
        new = components.assemble(patches, self.seen.shape_px, self.soma_px)
        self.A = sparse.csc_array(sparse.hstack([self.A, new], format="csc"))
        self.C = np.vstack([self.C, np.zeros((new.shape[1], self.C.shape[1]), dtype=np.float32)])
        return new.shape[1], image

    # -- the turns --------------------------------------------------------------------------

    def turn(self, fit_rings: bool) -> None:
        """Improve haze, courses and footprints, each given the others; rings if asked."""
        if not self.A.shape[1]:
            return
        self.fit_haze(fit_rings)
        self.fit_courses()
        self.fit_footprints()
        self.join()

    def fit_haze(self, fit_rings: bool) -> None:
        """Tell the haze from rings in what the cells leave."""
        without = self.blocks - (self.grid.pool.T @ self.A) @ self.active
        if fit_rings:
            block_um = self.settings.soma_um / _BLOCKS_PER_SOMA
            radius, width = self.settings.ring_um / block_um, self.settings.ring_width_um / block_um
            self.ring = ring_weights(without, self.grid.shape, radius, width)
        self.haze = self.ring @ without

    @property
    def active(self) -> Float32Array:
        """Courses with a mean of 0, (K, bins)."""
        return self.C - self.C.mean(axis=1, keepdims=True)

    def fit_courses(self) -> None:
        """Solve for the courses of all cells together."""
        weighted, gram = self.products()
        wanted = weighted.T @ self.seen.binned - (weighted.T @ self.grid.spread) @ self.haze
        wanted -= wanted.mean(axis=1, keepdims=True)
        self.C, _ = solve(gram, np.asarray(wanted, dtype=np.float32), self.A.shape[1])

    def products(self) -> tuple[sparse.csc_array, FloatArray]:
        """Footprints weighted by the precision of their pixels, and their Gram matrix."""
        from scipy import sparse

        precision = self.seen.precision
        data = self.A.data * precision[self.A.indices]
        weighted = sparse.csc_array((data, self.A.indices, self.A.indptr), shape=self.A.shape)
        rows = self.A.tocsr()
        gram = np.empty((self.A.shape[1],) * 2)
        kernels.gram(gram, rows.indptr, rows.indices, rows.data, precision)
        return weighted, gram

    def fit_footprints(self) -> None:
        """Solve for the footprints where each may be; drop what is no cell any more."""
        seen = self.seen
        allowed = components.support(self.A, seen.shape_px, self.soma_px)
        active = self.active
        wanted = np.empty(allowed.nnz, dtype=np.float32)
        kernels.correlate(wanted, allowed.indptr, allowed.indices, seen.binned, active)
        towards_haze = self.haze @ active.T
        for k, (start, stop) in enumerate(zip(allowed.indptr[:-1], allowed.indptr[1:], strict=True)):
            wanted[start:stop] -= self.grid.spread[allowed.indices[start:stop]] @ towards_haze[:, k]
        variance = seen.variance / np.float32(seen.frames_per_bin)
        shaped = components.reshaped(allowed, wanted, active, variance, seen.valid)
        self.keep(shaped)

    def keep(self, shaped: sparse.csc_array) -> None:
        """Take on new footprints with courses scaled to them; those too small are dropped."""
        patches, cells = [], []
        for k in np.flatnonzero(np.diff(shaped.indptr)):
            patches += components.patches_of(shaped[:, [k]], self.seen.shape_px)
            cells.append(k)
        one_piece = [(y0, x0, components.in_one_piece(patch)) for y0, x0, patch in patches]
        least = components.least_pixels(self.soma_px)
        kept = [n for n, (_, _, patch) in enumerate(one_piece) if (patch > 0).sum() >= least]
        scale = np.array([one_piece[n][2].sum() for n in kept], dtype=np.float32)
        self.A = components.assemble([one_piece[n] for n in kept], self.seen.shape_px, self.soma_px)
        self.C = self.C[[cells[n] for n in kept]] * scale[:, None]

    def join(self) -> None:
        """Merge cells that overlap and go together."""
        if len(self.C) < 2:
            return
        groups = components.merged_groups(
            self.A, self.C, self.settings.merge_overlap, self.settings.merge_correlation
        )
        if len(groups) == len(self.C):
            return
        from scipy import sparse

        columns, courses = [], []
        for group in groups:
            lights = self.C[group].std(axis=1)
            columns.append(sparse.csc_array(self.A[:, group] @ lights[:, None] / lights.sum()))
            courses.append(self.C[group].sum(axis=0))
        self.A = sparse.csc_array(sparse.hstack(columns, format="csc"), dtype=np.float32)
        self.C = np.array(courses, dtype=np.float32)
