"""Page 4, cross-talk: claim C12, on what the engine renders."""

import numpy as np
import pytest

import minisim_core as ms

SEEDS = range(10)
FRAMES = slice(20, 26)
LAYERS = [(), ("motion",), ("neuropil", "stray_light"), ("out_of_focus",)]


def scene(seed: int, off: tuple[str, ...] = ()) -> ms.Recording:
    """The guide's scene, moving; every other seed on another preset's scope and tissue."""
    preset = ("guide", "v4-ca1")[seed % 2]
    return ms.simulate(ms.presets.get(preset, seed=seed, field_um=200, duration_s=2, off=off))


def regions(recording: ms.Recording, seed: int) -> list[tuple[int, int] | np.ndarray]:
    """A pixel and a corner, a cell's footprint and mask, a disc, weights of both signs, the whole field."""
    rng = np.random.default_rng(seed)
    shape = recording.shape[1:]
    cell = int(rng.choice(np.flatnonzero(recording.truth.detectable)))
    footprint = recording.truth.footprints.csc([cell]).toarray().reshape(shape)
    y, x = np.indices(shape)
    row, column = (int(v) for v in rng.integers(0, shape[0], 2))
    disc = (y - row) ** 2 + (x - column) ** 2 < 16
    mask = footprint > 0.2 * footprint.max()
    return [(row, column), (0, shape[1] - 1), footprint, mask, disc, rng.normal(size=shape), np.ones(shape)]


@pytest.mark.parametrize("seed", SEEDS)
def test_c12_the_parts_of_any_region_sum_to_its_light(seed):
    recording = scene(seed, LAYERS[seed % len(LAYERS)])
    light = np.asarray(recording.expected[FRAMES], dtype=float)
    for region in regions(recording, seed):
        weights = np.zeros(light.shape[1:])
        weights[region if isinstance(region, tuple) else ...] = 1 if isinstance(region, tuple) else region
        want = np.tensordot(light, weights, 2)
        scale = np.tensordot(light, np.abs(weights), 2)
        for cells in (None, 5):
            parts = recording.explain(region, FRAMES, cells=cells)
            assert (np.abs(sum(parts.values()) - want) <= 1e-5 * scale).all()
            if isinstance(region, tuple) or region.min() >= 0:
                assert all((part >= 0).all() for part in parts.values())


@pytest.mark.parametrize("seed", SEEDS)
def test_c12_a_cell_s_pixel_reads_its_cell_its_neighbours_and_the_background(seed):
    """And so does the mean of its region: of what is read, the cell's own light is the smaller part."""
    recording = scene(seed)
    truth = recording.truth
    best = np.flatnonzero(truth.detectable)
    best = best[np.argsort(truth.snr[best])[-4:]]
    for cell in best:
        y0, x0, patch = truth.footprints[int(cell)]
        top = np.unravel_index(patch.argmax(), patch.shape)
        region = np.zeros(recording.shape[1:])
        region[y0 : y0 + patch.shape[0], x0 : x0 + patch.shape[1]] = patch > 0.3 * patch.max()
        for where in ((int(y0 + top[0]), int(x0 + top[1])), region):
            parts = recording.explain(where, FRAMES, cells=None)
            total = sum(part.sum() for part in parts.values())
            own = parts[f"cell:{cell}"].sum() / total
            others = sum(part.sum() for name, part in parts.items() if name.startswith("cell:")) / total - own
            background = (
                sum(parts[name].sum() for name in ("neuropil", "distant_tissue", "stray_light")) / total
            )
            assert own > 0.005 and others > 0.005 and background > 0.3
            assert own < 0.6


@pytest.mark.parametrize("seed", SEEDS[:3])
def test_c12_the_parts_are_what_the_light_loses_without_them(seed):
    """Another route than the adjoint: render without a layer, and see what is missing."""
    recording = scene(seed)
    whole = np.asarray(recording.expected[FRAMES], dtype=float)
    for region in regions(recording, seed)[:5]:
        parts = recording.explain(region, FRAMES)
        for layer in ("neuropil", "stray_light"):
            lost = whole - recording.without(layer).expected[FRAMES]
            at = lost[:, region[0], region[1]] if isinstance(region, tuple) else np.tensordot(lost, region, 2)
            np.testing.assert_allclose(parts[layer], at, rtol=1e-3, atol=1e-4 * np.abs(at).max())
