"""Regions, rings and traces against counts made by hand, and on a recording whose light is known."""

import numpy as np
import pytest
from scipy import sparse

import minisim_core as ms
from minisim_core.inverse import roi

SHAPE = (40, 50)


def disc(y: float, x: float, radius: float = 4) -> np.ndarray:
    rows, columns = np.indices(SHAPE)
    return np.maximum(0, 1 - ((rows - y) ** 2 + (columns - x) ** 2) / radius**2)


def as_patch(image: np.ndarray) -> tuple[int, int, np.ndarray]:
    y, x = np.nonzero(image)
    return y.min(), x.min(), image[y.min() : y.max() + 1, x.min() : x.max() + 1]


DENSE = np.stack([disc(12, 12), disc(12, 22), disc(30, 40)])
KINDS = {
    "dense": DENSE,
    "sparse": sparse.csc_array(DENSE.reshape(3, -1).T),
    "patches": [as_patch(image) for image in DENSE],
}


def pictures(pixels: sparse.csc_array) -> np.ndarray:
    return pixels.toarray().T.reshape(-1, *SHAPE)


@pytest.mark.parametrize("kind", KINDS)
def test_a_region_is_where_a_footprint_exceeds_a_share_of_its_peak(kind: str) -> None:
    for share in (0.2, 0.5, 1.0):
        drawn = pictures(roi.regions(KINDS[kind], SHAPE, share=share))
        np.testing.assert_array_equal(drawn, share * DENSE.max(axis=(1, 2), keepdims=True) <= DENSE)


@pytest.mark.parametrize("kind", KINDS)
def test_a_ring_keeps_its_distance_and_leaves_the_others_out(kind: str) -> None:
    rings = roi.annulus(KINDS[kind], SHAPE, gap_px=2, width_px=5)
    cells = pictures(roi.regions(DENSE, SHAPE))
    for ring, cell in zip(pictures(rings.pixels), cells, strict=True):
        y, x = np.nonzero(cell)
        rows, columns = np.indices(SHAPE)
        away = np.sqrt((rows[..., None] - y) ** 2 + (columns[..., None] - x) ** 2).min(axis=2)
        np.testing.assert_array_equal(ring, (away > 2) & (away <= 7) & ~cells.any(axis=0))
    assert len(rings.empty) == 0


def test_traces_are_means_and_chunks_do_not_show() -> None:
    movie = np.random.default_rng(1).integers(0, 255, (150, *SHAPE)).astype(np.uint8)
    drawn = roi.regions(DENSE, SHAPE)
    expected = np.stack([movie[:, cell].mean(axis=1) for cell in pictures(drawn)])
    np.testing.assert_allclose(roi.traces(movie, DENSE), expected)
    np.testing.assert_array_equal(roi.traces(movie, drawn), roi.traces(movie, DENSE))


def test_a_ring_alone_with_other_cells_is_listed_and_corrects_nothing() -> None:
    crowded = np.stack([disc(20, 20), np.ones(SHAPE)])
    rings = roi.annulus(crowded, SHAPE)
    np.testing.assert_array_equal(rings.empty, [0, 1])
    movie = np.random.default_rng(2).random((5, *SHAPE))
    cells = roi.traces(movie, crowded)
    corrected = roi.neuropil_subtracted(cells, roi.traces(movie, rings.pixels))
    assert np.isfinite(cells).all()
    assert np.isnan(corrected).all()


def test_a_ring_of_fewer_pixels_than_asked_is_none() -> None:
    pixels = int(np.diff(roi.annulus(DENSE, SHAPE).pixels.indptr)[2])
    assert 2 not in roi.annulus(DENSE, SHAPE, fewest_px=pixels).empty
    assert 2 in roi.annulus(DENSE, SHAPE, fewest_px=pixels + 1).empty


def test_a_footprint_without_light_has_no_trace() -> None:
    movie = np.ones((3, *SHAPE))
    nothing = [(0, 0, np.zeros((0, 0))), as_patch(DENSE[0])]
    found = roi.traces(movie, nothing)
    assert np.isnan(found[0]).all()
    np.testing.assert_allclose(found[1], 1)
    np.testing.assert_array_equal(roi.annulus(nothing, SHAPE).empty, [0])


def test_no_cells_have_no_traces() -> None:
    assert roi.traces(np.ones((3, *SHAPE)), []).shape == (0, 3)
    assert roi.annulus([], SHAPE).pixels.shape == (40 * 50, 0)


def test_haze_that_is_even_is_removed_whole_at_coefficient_one() -> None:
    times = np.linspace(0, 6, 30)
    own, haze = 5 + np.sin(times), 100 + 10 * np.cos(2 * times)
    movie = own[:, None, None] * (DENSE[0] >= 0.5) + haze[:, None, None]
    cell = roi.traces(movie, DENSE)[:1]
    around = roi.traces(movie, roi.annulus(DENSE, SHAPE).pixels)[:1]
    np.testing.assert_allclose(roi.neuropil_subtracted(cell, around, 1.0)[0], own)
    np.testing.assert_allclose(roi.neuropil_subtracted(cell, around)[0], own + 0.3 * haze)


def test_on_a_recording_the_ring_brings_the_trace_nearer_to_the_cell() -> None:
    recording = ms.simulate(ms.presets.get("guide", field_um=150, duration_s=20, off=("motion", "noise")))
    truth = recording.truth
    cells = np.flatnonzero(truth.detectable)
    footprints = truth.footprints.csc(cells)
    light = recording.expected[...]
    read = roi.traces(light, footprints)
    rings = roi.annulus(footprints, recording.shape[1:])
    corrected = roi.neuropil_subtracted(read, roi.traces(light, rings.pixels))
    kept = np.setdiff1d(np.arange(len(cells)), rings.empty)
    own = truth.fluorescence[...][cells]
    r = [[np.corrcoef(own[i], found[i])[0, 1] for i in kept] for found in (read, corrected)]
    assert len(kept) > 10
    assert np.median(r[1]) > np.median(r[0]) + 0.1


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda: roi.regions(DENSE, SHAPE, share=0), "share = 0 is refused"),
        (lambda: roi.regions(DENSE, (40, 49)), r"must be of shape \(K, 40, 49\)"),
        (lambda: roi.regions(KINDS["sparse"], (40, 49)), "has 1960 pixels"),
        (lambda: roi.regions([(38, 0, np.ones((3, 3)))], SHAPE), "leaves the field of 40 x 50"),
        (lambda: roi.regions([(0, 0, np.full((3, 3), np.nan))], SHAPE), "must be finite"),
        (lambda: roi.annulus(DENSE, SHAPE, gap_px=-1), "gap_px = -1 is refused"),
        (lambda: roi.annulus(DENSE, SHAPE, width_px=0), "width_px = 0 is refused"),
        (lambda: roi.annulus(DENSE, SHAPE, fewest_px=0), "fewest_px = 0 is refused"),
        (lambda: roi.traces(np.ones(SHAPE), DENSE), "movie of shape"),
        (lambda: roi.neuropil_subtracted(np.ones((2, 3)), np.ones((3, 2))), "surround of shape"),
    ],
)
def test_what_does_not_fit_is_refused_in_a_sentence(wrong, says: str) -> None:
    with pytest.raises(ms.ParameterError, match=says):
        wrong()
