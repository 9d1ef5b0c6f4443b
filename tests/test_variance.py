"""Who makes a recording change, and what its grain is made of: in numbers, against the frames themselves."""

from typing import Any

import numpy as np
import pytest

import minisim_core as ms
from minisim_core import measures


@pytest.fixture(scope="module")
def recording() -> ms.Recording:
    return ms.simulate(ms.presets.get("guide", field_um=100, duration_s=4, off=("motion",)))


def test_the_parts_of_the_variance_are_those_of_the_movies_they_make(recording: ms.Recording) -> None:
    def change(*off: str) -> Any:
        movie = recording.without(*off).expected[:].astype(float)
        return movie - movie.mean(axis=0)

    total = change()
    parts = {
        "in_focus": change("out_of_focus", "neuropil", "stray_light"),
        "neuropil": change("vessels") - change("vessels", "neuropil"),
    }
    found = measures.variance_shares(recording)
    for name, part in parts.items():
        assert found.shares[name] == pytest.approx(np.vdot(part, total) / np.vdot(total, total), abs=1e-6)
    assert sum(found.shares.values()) == pytest.approx(1, abs=1e-5)
    assert found.background == pytest.approx(1 - found.shares["in_focus"])


def test_stretches_of_a_movie_add_up(recording: ms.Recording) -> None:
    whole = measures.variance_shares(recording).shares
    parts = sum(
        (measures.variance_shares(recording, slice(a, a + 20)) for a in (20, 40, 60)),
        measures.variance_shares(recording, slice(0, 20)),
    ).shares
    assert parts == pytest.approx(whole, abs=1e-9)
    with pytest.raises(ms.ParameterError, match="at least one frame"):
        measures.variance_shares(recording, slice(500, 600))


def test_where_nothing_changes_no_one_makes_it() -> None:
    steady = ms.presets.get(
        "guide", field_um=60, duration_s=1, off=("motion", "vessels", "neuropil"), activity={"rate_hz": 0}
    )
    assert all(np.isnan(share) for share in measures.variance_shares(ms.simulate(steady)).shares.values())


def test_what_is_switched_off_makes_no_change(recording: ms.Recording) -> None:
    shares = measures.variance_shares(recording.without("neuropil", "vessels")).shares
    assert shares["neuropil"] == shares["blood"] == 0
    assert shares["out_of_focus"] > shares["in_focus"] > 0


@pytest.mark.parametrize("roi", [None, (30, 20)])
def test_the_noise_budget_is_the_noise_of_the_frames(roi: Any) -> None:
    """A hundred frames of one steady light scatter by what the budget says, in every pixel or in one."""
    quiet = {"activity": {"rate_hz": 0}, "neuropil": {"fluctuation": 0}, "vessels": {"count": 0}}
    steady = ms.presets.get(
        "guide", field_um=80, duration_s=30, off=("motion",), **quiet,
        sensor={"gain_pattern": 0, "read_noise_e": 25},
    )  # fmt: skip
    recording = ms.simulate(steady)
    budget = measures.noise_budget(recording, 0, roi)
    counts = recording.frames[:].astype(float) * recording.counts_to_e.e_per_count
    scatter = counts.var(axis=0, ddof=1)
    seen = scatter.mean() if roi is None else scatter[28:33, 18:23].mean()
    assert sum(budget.values()) == pytest.approx(seen, rel=0.01 if roi is None else 0.05)
    light = recording.expected[0].astype(float)
    shot = sum(budget[name] for name in ("in_focus", "out_of_focus", "neuropil", "stray_light"))
    assert shot == pytest.approx(light.mean() if roi is None else light[roi], rel=1e-4)
    assert budget["read"] == pytest.approx(625 + 1.5)


def test_the_faint_cell_just_drowns() -> None:
    recording = ms.simulate(ms.presets.get("guide", field_um=200, duration_s=4))
    cell = measures.faint_cell(recording)
    truth = recording.truth
    assert cell is not None
    assert truth.in_field[cell] and not truth.detectable[cell]
    assert 0.5 * measures.DETECTABLE_SNR <= truth.snr[cell] <= 0.9 * measures.DETECTABLE_SNR
    few = ms.simulate(
        recording.experiment.with_(cells={"positions_um": ((200.0, 0.0, 0.0), (230.0, 9.0, 9.0))})
    )
    assert measures.faint_cell(few) == few.truth.snr.argmax(), "if all are too faint, the best"
    none = ms.simulate(recording.experiment.with_(cells={"positions_um": ()}))
    assert measures.faint_cell(none) is None


def test_the_faint_cell_stands_alone_where_one_does() -> None:
    def crowd_um(recording: ms.Recording, cell: int) -> float:
        truth = recording.truth
        apart = truth.positions_um[truth.detectable, 1:] - truth.positions_um[cell, 1:]
        return float(np.hypot(*apart.T).min())

    wide = ms.simulate(ms.presets.get("guide", field_um=240))
    cell = measures.faint_cell(wide)
    assert cell is not None and crowd_um(wide, cell) > 25
    snr = wide.truth.snr / measures.DETECTABLE_SNR
    nearer = abs(wide.truth.positions_um[:, 0] - 90) < abs(wide.truth.positions_um[cell, 0] - 90)
    off_rim = (abs(wide.truth.positions_um[:, 1:]) < 90).all(axis=1)
    others = np.flatnonzero((snr >= 0.5) & (snr <= 0.9) & nearer & off_rim)
    assert len(others), "some are nearer to the focus"
    assert all(crowd_um(wide, other) <= 25 for other in others), "but in a crowd"
    small = ms.simulate(ms.presets.get("guide", field_um=200, duration_s=4))
    cell = measures.faint_cell(small)
    assert cell is not None and crowd_um(small, cell) <= 25, "none is alone: the nearest to the focus"


def test_cells_under_saturated_pixels_are_named() -> None:
    """Too much light for one half of the field: just its cells are lost, detectable or not."""
    scene = ms.presets.get("guide", field_um=200, duration_s=1, off=("motion",))
    recording = ms.simulate(scene.with_(illumination={"led_mw": 1.8}))
    lost = measures.saturated_cells(recording, 3)
    full = recording.frames[3] == 255
    assert 0.05 < full.mean() < 0.95
    truth = recording.truth
    for cell in np.flatnonzero(truth.in_field):
        row, column = np.rint(truth.centroids_px[cell]).astype(int)
        assert lost[cell] == full[row, column]
    assert (lost & truth.detectable).any() and not (lost & ~truth.in_field).any()
    assert not measures.saturated_cells(ms.simulate(scene), 3).any()
    glare = ms.simulate(scene.with_(illumination={"led_mw": 5}))
    np.testing.assert_array_equal(measures.saturated_cells(glare, -1), glare.truth.in_field)


def test_a_saturated_cell_is_looked_for_where_the_brain_has_carried_it() -> None:
    body = {"positions_um": ((90.0, 0.0, 0.0),), "brightness_sd": 0, "labelling": "soma"}
    recording = ms.simulate(
        ms.presets.get("guide", field_um=120, duration_s=2, cells=body, activity={"rate_hz": 0}).with_(
            off=("neuropil", "vessels", "stray_light", "noise"), illumination={"led_mw": 10},
            motion={"heart_um": 5, "stride_um": 10, "running_fraction": 1}, sensor={"gain": 16},
        )
    )  # fmt: skip
    frames, truth = recording.frames[:], recording.truth
    far = int(np.hypot(*(truth.motion_um.T)).argmax())
    assert np.hypot(*truth.motion_um[far]) > recording.experiment.cells.radius_um
    row, column = np.rint(truth.centroids_px[0] + truth.motion_um[far] / recording.pixel_um).astype(int)
    assert frames[far][row, column] == 255
    assert measures.saturated_cells(recording, far)[0]
    at_rest = tuple(np.rint(truth.centroids_px[0]).astype(int))
    assert frames[far][at_rest] < 255, "there is nothing any more"
