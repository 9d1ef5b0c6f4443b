"""The laws of the house: stages, frames, draws, light, kernels."""

import json
import pickle
import re
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minisim_core as ms
from minisim_core import background, explanation, memory, motion, render, vessels
from minisim_core.canvas import FAR_LEVEL
from minisim_core.experiment import GROUPS, describe
from minisim_core.kernels._jit import KERNELS
from minisim_core.scene import Scene
from minisim_core.tissue import Medium, fate, fluence

Small = Callable[..., ms.Experiment]
Python = Callable[..., str]
SWITCHES = ms.LAYERS[1:]
FIELDS = [f"{group}.{field}" for group, model in GROUPS.items() for field in model.model_fields]


def change(exp: ms.Experiment, name: str) -> ms.Experiment:
    """Turn one knob a little."""
    group, _, field = name.rpartition(".")
    about = describe(name)
    old = getattr(getattr(exp, group) if group else exp, field)
    special = {
        "activity.bleaching_per_million_photons": 40.0,
        "cells.positions_um": ((90.0, 0.0, 0.0), (40.0, 20.0, -10.0)),
        "cells.depth_range_um": (20.0, 240.0),
        "scope.model_name": "another",
        "sensor.exposure_fraction": 0.5,
        "sensor.gain_steps": (1.0, 4.0),
        "tissue.refractive_index": 1.38,
        "motion.nonrigid_um": 0.1,
        "motion.rotation_deg": 0.02,
        "motion.axial_um": 0.5,
    }
    if name in special:
        new: Any = special[name]
    elif about.choices:
        new = next(choice for choice in about.choices if choice != old)
    elif isinstance(old, int):
        new = old + 1
    elif old == 0:
        new = about.high / 20
    else:
        new = old * 1.02 if old * 1.02 <= about.high else old * 0.98
    return exp.with_(**({group: {field: new}} if group else {field: new}))


# -- law 2: stages are pure and remembered -------------------------------------------------------

LIGHT = "activity.fluorescence activity.spikes"
FIRING = f"{LIGHT} activity.population activity.population_light background.neuropil_courses"
DRIVE = f"activity.drive {FIRING}"
CLOCK = (
    "activity.fluorescence activity.population_light background.neuropil_courses motion.exposure_paths "
    "vessels.swellings"
)
PLACE = f"cells.place cells.grow cells.express images.cell_images {LIGHT}"
LENS = "background.near_haze surround.surround images.cell_images"
BODY = "cells.grow cells.express images.cell_images"
IMAGED = "images.cell_images vessels.imaged vessels.shadow"
BEAM = "background.far_haze surround.surround illumination.static_fields"
TISSUE = f"{LENS} background.far_haze vessels.shadow"
SCALE = f"{TISSUE} background.patches background.neuropil_courses illumination.static_fields"
ALL_DRAWN = (
    "activity.drive activity.fluorescence activity.population_light activity.spikes "
    "background.neuropil_courses background.near_haze background.texture cells.express cells.grow "
    "cells.place "
    "motion.exposure_paths images.cell_images sensor.pattern vessels.grow vessels.imaged vessels.shadow "
    "vessels.swellings"
)

STAGES: dict[str, str] = {
    "scope.model_name": "",
    "scope.numerical_aperture": f"{LENS} vessels.shadow",
    "scope.magnification": f"{SCALE} vessels.imaged",
    "scope.field_curvature_um": "background.near_haze surround.surround images.cell_images",
    "scope.aberration_um": LENS,
    "scope.aberration_growth_um_per_mm": "images.cell_images",
    "scope.aberration_growth_um_per_mm2": "images.cell_images",
    "scope.distortion_per_mm2": IMAGED,
    "scope.nominal_focus_um": IMAGED,
    "scope.magnification_per_mm": IMAGED,
    "scope.ewl_um_per_step": "",
    "scope.ewl_steps": "",
    "scope.transmission": "",
    "scope.near_focus_um": "surround.surround",
    "tissue.scattering_per_mm": TISSUE,
    "tissue.anisotropy": TISSUE,
    "tissue.absorption_per_mm": TISSUE,
    "tissue.refractive_index": f"{LENS} vessels.imaged vessels.shadow",
    "cells.density_per_mm3": PLACE,
    "cells.depth_range_um": f"{PLACE} surround.surround",
    "cells.positions_um": f"{PLACE} cells.place_explicitly".replace("cells.place ", ""),
    "cells.minimum_distance_um": PLACE,
    "cells.radius_um": f"{BODY} surround.surround",
    "cells.radius_sd_um": BODY,
    "cells.elongation": BODY,
    "cells.nucleus_fraction": "cells.express images.cell_images surround.surround",
    "cells.nucleus_brightness": "cells.express images.cell_images surround.surround",
    "cells.labelling": BODY,
    "cells.dendrite_count": BODY,
    "cells.dendrite_length_um": BODY,
    "cells.dendrite_radius_um": BODY,
    "cells.brightness_sd": "cells.express",
    "cells.concentration_micromolar": "cells.express",
    "cells.bright_fraction_at_rest": "cells.express",
    "activity.indicator": DRIVE,  # a longer memory needs the drive from earlier on
    "activity.rate_hz": FIRING,
    "activity.rate_spread": FIRING,
    "activity.burst_spikes": FIRING,
    "activity.burst_interval_s": FIRING,
    "activity.drive_sd": DRIVE,
    "activity.drive_time_s": DRIVE,
    "activity.bleaching_per_million_photons": (
        "activity.drive bleaching.emission bleaching.shares bleaching.unbleached"
    ),
    "activity.bleaching_recovery_s": "",
    "neuropil.ratio": "",
    "neuropil.depth_um": "background.near_haze background.far_haze background.texture vessels.shadow",
    "neuropil.texture": "background.near_haze background.texture",
    "neuropil.texture_size_um": "background.near_haze background.texture",
    "neuropil.fluctuation": "background.neuropil_courses",
    "neuropil.coupling": "background.neuropil_courses",
    "neuropil.patch_um": (
        "background.near_haze background.far_haze background.patches background.neuropil_courses"
    ),
    "neuropil.patch_time_s": "background.neuropil_courses",
    "vessels.count": "vessels.grow vessels.imaged vessels.shadow",
    "vessels.radius_um": "vessels.grow vessels.imaged vessels.shadow",
    "vessels.depth_um": "vessels.shadow",
    "vessels.haemoglobin_g_per_l": "vessels.shadow",
    "vessels.oxygenation": "vessels.shadow",
    "vessels.vasomotion": "vessels.swellings",
    "vessels.vasomotion_hz": "vessels.swellings",
    "vessels.heart": "vessels.swellings",
    "vessels.running_dilation": "vessels.swellings",
    "motion.heart_um": "motion.exposure_paths",
    "motion.heart_hz": "motion.exposure_paths vessels.swellings",
    "motion.breathing_um": "motion.exposure_paths",
    "motion.breathing_hz": "motion.exposure_paths",
    "motion.stride_um": "motion.exposure_paths",
    "motion.stride_hz": "motion.exposure_paths",
    "motion.drift_um": "motion.exposure_paths",
    "motion.nonrigid_um": "deformation.flows",
    "motion.nonrigid_length_um": "",
    "motion.rotation_deg": "deformation.flows",
    "motion.axial_um": "axial.axial axial.joined images.cell_images",
    "motion.running_fraction": "motion.exposure_paths vessels.swellings",
    "motion.bout_s": "motion.exposure_paths vessels.swellings",
    "motion.looseness": "motion.exposure_paths",
    "illumination.excitation": TISSUE,
    "illumination.led_mw": "",
    "illumination.spot_area_mm2": "",
    "illumination.wavelength_nm": "",
    "illumination.width_um": BEAM,
    "illumination.offset_y_um": BEAM,
    "illumination.offset_x_um": BEAM,
    "illumination.vignetting_per_mm2": "illumination.static_fields",
    "illumination.stray_light_e_per_mw_s": "illumination.static_fields",
    "illumination.stray_width_um": "illumination.static_fields",
    "sensor.width_px": "",
    "sensor.height_px": "",
    "sensor.pixel_pitch_um": f"{SCALE} sensor.pattern",
    "sensor.quantum_efficiency": "",
    "sensor.exposure_fraction": CLOCK,
    "sensor.gain": "",
    "sensor.gain_steps": "",
    "sensor.bit_depth": "",
    "sensor.full_well_e": "",
    "sensor.read_noise_e": "",
    "sensor.dark_current_e_per_s": "",
    "sensor.black_level": "sensor.pattern",
    "sensor.gain_pattern": "sensor.pattern",
    "sensor.offset_pattern": "sensor.pattern",
    "sensor.column_pattern": "sensor.pattern",
    "sensor.stripe_counts": "",
    "sensor.flicker_counts": "",
    "sensor.warm_up_counts": "",
    "sensor.warm_up_s": "",
    "sensor.dropped_fraction": "",
    "field_um": f"{SCALE} sensor.pattern",
    "focus_um": f"{LENS} vessels.imaged vessels.shadow",
    "duration_s": "",
    "frame_rate_hz": CLOCK,
    "seed": ALL_DRAWN,
    "off out_of_focus": "",
    "off blur": "images.cell_images",
    "off dimming": "images.cell_images surround.surround",
    "off neuropil": "",
    "off vessels": "",
    "off motion": "",
    "off illumination": BEAM,
    "off vignetting": "illumination.static_fields",
    "off stray_light": "illumination.static_fields",
    "off noise": "",
}  # fmt: skip


def base_scene(small: Small) -> ms.Experiment:
    """A scene whose every value went through validation, so that equal values are the same."""
    exp = small(field_um=60.0, duration_s=1.0, frame_rate_hz=10.0, focus_um=95.0)
    return exp.with_(**{group: {} for group in GROUPS})


def ran(after: ms.Experiment) -> set[str]:
    before = memory.runs.copy()
    ms.simulate(after).frames[0]
    return set(memory.runs - before)


@pytest.fixture(scope="module")
def reruns(small: Small) -> dict[str, set[str]]:
    """For every field and switch: the stages that ran when it alone had changed."""
    exp = base_scene(small)
    memory.clear()
    ms.simulate(exp).frames[0]
    table = {}
    for name in STAGES:
        after = exp.with_(off=name.removeprefix("off ")) if name.startswith("off ") else None
        if name == "field_um":
            after = exp.with_(field_um=63.0)
        table[name] = ran(after if after is not None else change(exp, name))
    assert memory.used_bytes() < 0.9 * memory.max_bytes, "nothing may have been forgotten in between"
    memory.clear()
    return table


def test_the_table_of_stages_names_every_field_and_switch() -> None:
    top = {"field_um", "focus_um", "duration_s", "frame_rate_hz", "seed"}
    assert set(STAGES) == {*FIELDS, *top, *(f"off {name}" for name in SWITCHES)}


@pytest.mark.parametrize("name", STAGES)
def test_a_change_runs_just_the_stages_that_use_it(reruns: dict[str, set[str]], name: str) -> None:
    assert reruns[name] == set(STAGES[name].split())


def test_a_motion_slider_never_redraws_the_scene(small: Small) -> None:
    exp = base_scene(small)
    ms.simulate(exp).frames[0]
    for stride_um in (5.5, 6.5, 7.5):
        assert ran(exp.with_(motion={"stride_um": stride_um})) <= {"motion.exposure_paths"}


def test_a_bending_brain_runs_what_bends_and_no_more(small: Small) -> None:
    exp = base_scene(small).with_(motion={"nonrigid_um": 0.2})
    ms.simulate(exp).frames[0]
    for name in ("nonrigid_um", "nonrigid_length_um", "rotation_deg"):
        assert ran(change(exp, f"motion.{name}")) == {"deformation.flows"}, name
    assert ran(change(exp, "motion.stride_um")) == {"motion.exposure_paths"}
    assert ran(change(exp, "motion.bout_s")) == {
        "motion.exposure_paths", "deformation.flows", "vessels.swellings"
    }  # fmt: skip
    assert ran(change(exp, "motion.looseness")) == {"motion.exposure_paths"}


def test_asking_again_runs_nothing(small: Small) -> None:
    exp = base_scene(small)
    ms.simulate(exp).frames[0]
    assert ran(exp) == set()
    assert ran(ms.Experiment.from_json(exp.to_json())) == set()


def test_asking_for_the_default_runs_nothing(small: Small, fresh_store: None) -> None:
    exp = small()
    ms.simulate(exp).frames[0]
    assert ran(exp.with_(focus_um=90)) == set()
    assert ran(ms.Experiment.from_json(exp.to_json())) == set()


def test_recordings_with_other_switches_share_the_store(small: Small) -> None:
    rec = ms.simulate(base_scene(small))
    rec.frames[0]
    assert not ran(rec.without("noise", "motion", "neuropil").experiment)
    rec.only("cells").frames[0]
    assert not ran(rec.only("cells", "noise").experiment)


def test_threads_that_ask_for_the_same_thing_compute_it_once(small: Small, fresh_store: None) -> None:
    exp = base_scene(small)
    ms.simulate(exp).frames[0]
    alone = memory.runs.copy()
    memory.clear()
    pictures: list[Any] = [None] * 6
    start = threading.Barrier(len(pictures))

    def ask(k: int) -> None:
        start.wait()
        pictures[k] = ms.simulate(exp).frames[0]

    threads = [threading.Thread(target=ask, args=(k,)) for k in range(len(pictures))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert memory.runs == alone
    assert all(np.array_equal(picture, pictures[0]) for picture in pictures)


def test_a_stage_that_fails_fails_for_everyone_and_can_be_asked_again(fresh_store: None) -> None:
    calls = []

    @memory.stage
    def fragile(value: int) -> memory.Result:
        calls.append(value)
        if len(calls) == 1:
            raise ZeroDivisionError
        return memory.Result()

    with pytest.raises(ZeroDivisionError):
        fragile(1)
    assert fragile(1) is fragile(1)
    assert len(calls) == 2


def test_the_store_tells_apart_what_python_calls_equal(fresh_store: None) -> None:
    @memory.stage
    def told(value: object) -> memory.Result:
        return memory.Result()

    assert told(1) is not told(True)
    assert told(0.5) is told(0.5)


def test_the_store_is_bounded_in_bytes(small: Small, fresh_store: None) -> None:
    exp = small(field_um=60)
    whole = np.asarray(ms.simulate(exp).frames[:3])
    memory.clear()
    memory.max_bytes = 2 * 2**20
    for seed in range(4):
        ms.simulate(exp.with_(seed=seed)).frames[0]
        assert memory.used_bytes() <= memory.max_bytes
    assert np.array_equal(ms.simulate(exp).frames[:3], whole)
    assert memory.used_bytes() == sum(result.nbytes for result in memory._results.values())


def test_rendered_frames_are_never_stored(small: Small, fresh_store: None) -> None:
    rec = ms.simulate(small(duration_s=3))
    rec.frames[0], rec.expected[0]
    used = memory.used_bytes()
    rec.frames[:64], rec.expected[:64]
    assert memory.used_bytes() == used


def test_results_are_read_only(small: Small, fresh_store: None) -> None:
    rec = ms.simulate(small())
    rec.frames[0]
    assert memory._results
    for result in memory._results.values():
        for value in vars(result).values():
            assert not (isinstance(value, np.ndarray) and value.flags.writeable), type(result)


def test_clear_forgets_everything(small: Small) -> None:
    exp = small()
    before = ms.simulate(exp).frames[0]
    memory.clear()
    assert memory.used_bytes() == 0
    assert not memory.runs
    assert np.array_equal(ms.simulate(exp).frames[0], before)
    assert memory.runs["cells.place"] == 1


# -- law 3: a frame is a function of its number --------------------------------------------------


BENDING = {"nonrigid_um": 0.8, "rotation_deg": 0.2, "axial_um": 1.0, "running_fraction": 0.9}


@pytest.mark.parametrize("motion", [{}, BENDING], ids=["shifting", "bending"])
def test_a_frame_alone_is_the_frame_in_the_whole(small: Small, motion: dict[str, float]) -> None:
    rec = ms.simulate(small(field_um=60, duration_s=4, frame_rate_hz=40, motion=motion))
    for array in (rec.frames, rec.expected):
        whole = array[...]
        order = np.random.default_rng(0).permutation(len(array))
        assert np.array_equal(array[order], whole[order])
        for start in range(0, len(array), 7):
            assert np.array_equal(array[start : start + 7], whole[start : start + 7])
        for frame in (0, 63, 64, 127, 128, 159):
            memory.clear()
            assert np.array_equal(ms.simulate(rec.experiment).frames[frame], rec.frames[frame])
            assert np.array_equal(array[frame], whole[frame])


ASK = """
import hashlib, sys
import numpy as np
import minisim_core as ms
rec = ms.simulate(ms.Experiment.from_json(sys.argv[1]))
order = [int(n) for n in sys.argv[2].split(",")]
size = int(sys.argv[3])
parts = {}
for k in range(0, len(order), size):
    chunk = order[k : k + size]
    parts |= {n: (f.tobytes(), e.tobytes()) for n, f, e in zip(chunk, rec.frames[chunk], rec.expected[chunk])}
print(*(hashlib.sha256(parts[n][0] + parts[n][1]).hexdigest() for n in sorted(parts)))
"""


def test_a_frame_is_the_same_in_any_process_and_with_any_threads(small: Small, python: Python) -> None:
    text = small(field_um=60, duration_s=4).to_json()
    orders = [list(range(80)), list(range(79, -1, -1)), [*range(1, 80, 2), *range(0, 80, 2)]]
    answers = {
        python(ASK, text, ",".join(map(str, order)), str(size), MINISIM_THREADS=threads)
        for order, size, threads in zip(orders, (80, 1, 9), ("1", "2", "2"), strict=True)
    }
    assert len(answers) == 1
    assert len(answers.pop().split()) == 80


def test_a_longer_recording_begins_with_the_shorter(small: Small) -> None:
    short, long = (ms.simulate(small(field_um=60, duration_s=d)) for d in (1, 20))
    assert np.array_equal(long.frames[:20], short.frames[...])
    assert np.array_equal(long.expected[:20], short.expected[...])
    for name in ("calcium", "fluorescence", "spikes"):
        assert np.array_equal(getattr(long.truth, name)[:, :20], getattr(short.truth, name)[...])
    early = long.truth.spike_time_s < 1
    assert np.array_equal(long.truth.spike_time_s[early], short.truth.spike_time_s)
    assert np.array_equal(long.truth.spike_cell[early], short.truth.spike_cell)
    assert np.array_equal(long.truth.motion_um[:20], short.truth.motion_um)
    assert np.array_equal(long.truth.motion_path_um[:400], short.truth.motion_path_um)


# -- law 4: draw once, transform ever after ------------------------------------------------------


def cells_by_id(scene: Scene) -> dict[int, tuple[Any, ...]]:
    """Position, marks and first spikes of every cell, by the cell's name."""
    b = scene.bodies
    spikes = scene.spikes(0, 5)
    return {
        int(name): (
            *scene.places.positions_um[i],
            b.radius_um[i], b.axis_ratio[i], b.orientation_rad[i], scene.bright_molecules[i],
            b.root_um[i].tobytes(), b.along_um[i].tobytes(), b.bend_um[i].tobytes(),
            tuple(spikes.time_s[spikes.first[i] : spikes.first[i + 1]]),
        )
        for i, name in enumerate(scene.places.ids)
    }  # fmt: skip


def test_a_denser_tissue_keeps_the_cells_it_had(small: Small) -> None:
    exp = small(field_um=100, duration_s=5)
    sparse = ms.simulate(exp)
    dense = ms.simulate(exp.with_(cells={"density_per_mm3": exp.cells.density_per_mm3 * 1.1}))
    n = len(sparse.truth.positions_um)
    assert n > 100
    assert 1.03 * n < len(dense.truth.positions_um) < 1.2 * n
    assert np.array_equal(dense.truth.positions_um[:n], sparse.truth.positions_um)
    a, b = Scene(sparse.experiment), Scene(dense.experiment)
    for name in ("radius_um", "axis_ratio", "orientation_rad", "root_um", "bend_um", "root_radius_um"):
        assert np.array_equal(getattr(b.bodies, name)[:n], getattr(a.bodies, name))
    assert np.array_equal(b.bright_molecules[:n], a.bright_molecules)
    old = dense.truth.spike_cell < n
    assert np.array_equal(dense.truth.spike_time_s[old], sparse.truth.spike_time_s)
    assert np.array_equal(dense.truth.fluorescence[:n], sparse.truth.fluorescence[...])
    centers = sparse.truth.centroids_px
    assert np.array_equal(dense.truth.centroids_px[:n], centers)


def test_no_cells_are_too_close_and_as_many_as_asked(small: Small) -> None:
    from scipy.spatial import cKDTree

    exp = small(field_um=400, cells={"density_per_mm3": 6e4})
    positions = ms.simulate(exp).truth.positions_um
    nearest = cKDTree(positions).query(positions, k=2)[0][:, 1]
    assert nearest.min() >= exp.cells.minimum_distance_um
    low, high = exp.cells.depth_range_um
    half = Scene(exp).drawn_half_um
    expected = 6e4 * 1e-9 * (2 * half) ** 2 * (high - low)
    assert len(positions) == pytest.approx(expected, rel=5 / np.sqrt(expected))


def test_another_field_shows_the_same_tissue(small: Small) -> None:
    narrow, wide = (Scene(small(field_um=f, duration_s=5)) for f in (60, 180))
    assert narrow.drawn_half_um < wide.drawn_half_um
    few, many = cells_by_id(narrow), cells_by_id(wide)
    assert few.items() <= many.items()
    half = narrow.drawn_half_um
    inside = {name for name, cell in many.items() if abs(cell[1]) <= half and abs(cell[2]) <= half}
    assert inside == set(few)


def test_a_depth_range_crops(small: Small) -> None:
    exp = small(field_um=60, duration_s=5)
    whole = cells_by_id(Scene(exp))
    cropped = cells_by_id(Scene(exp.with_(cells={"depth_range_um": (60, 120)})))
    for name, cell in cropped.items():
        assert whole[name] == cell
    inner = {name for name, cell in whole.items() if 60 <= cell[0] <= 120 and max(map(abs, cell[1:3])) < 100}
    assert inner <= set(cropped)
    assert cropped


def test_sensor_noise_belongs_to_the_absolute_pixel(small: Small) -> None:
    dark = {
        "illumination": {"led_mw": 0},
        "sensor": {"read_noise_e": 40, "offset_pattern": 4, "bit_depth": 10},
    }
    narrow, wide, whole = (ms.simulate(small(field_um=f, **dark)) for f in (60, 100, None))
    for outer in (wide, whole):
        at = (outer.shape[1] - narrow.shape[1]) // 2
        crop = slice(at, at + narrow.shape[1])
        assert (outer.shape[1] - narrow.shape[1]) % 2 == 0
        assert np.array_equal(outer.frames[:3, crop, crop], narrow.frames[:3])
    assert narrow.frames[0].std() > 3
    assert not np.array_equal(narrow.frames[0], narrow.frames[1])


def test_neuropil_and_vessels_stay_where_they_are_in_the_tissue(small: Small) -> None:
    still = {"cells": {"positions_um": ()}, "motion": {"looseness": 0}}
    narrow, wide = (ms.simulate(small(field_um=f, **still)) for f in (60, 100))
    at = (wide.shape[1] - narrow.shape[1]) // 2
    crop = slice(at, at + narrow.shape[1])
    for layer in ("neuropil", "vessels"):
        a, b = narrow.only("neuropil", layer).expected[3], wide.only("neuropil", layer).expected[3]
        np.testing.assert_allclose(b[crop, crop], a, rtol=0.02)
    assert np.array_equal(wide.truth.vessel_mask[crop, crop], narrow.truth.vessel_mask)


def test_a_higher_rate_adds_events_and_moves_none(small: Small) -> None:
    exp = small(duration_s=5)
    calm, busy = (ms.simulate(exp.with_(activity={"rate_hz": rate})).truth for rate in (0.3, 0.36))
    old = set(zip(calm.spike_cell.tolist(), calm.spike_time_s.tolist(), strict=True))
    new = set(zip(busy.spike_cell.tolist(), busy.spike_time_s.tolist(), strict=True))
    assert old < new


@pytest.mark.parametrize("changes", [{"frame_rate_hz": 10}, {"sensor": {"exposure_fraction": 0.3}}])
def test_frame_rate_and_exposure_sample_one_scene(small: Small, changes: dict[str, Any]) -> None:
    exp = small(duration_s=5)
    a, b = ms.simulate(exp).truth, ms.simulate(exp.with_(**changes)).truth
    for name in (
        "positions_um", "spike_cell", "spike_time_s", "motion_path_um", "motion_path_time_s", "vessel_mask",
    ):  # fmt: skip
        assert np.array_equal(getattr(a, name), getattr(b, name)), name
    assert np.array_equal(Scene(exp).pattern.gain, Scene(exp.with_(**changes)).pattern.gain)


def test_slow_frames_are_the_means_of_fast_ones(small: Small) -> None:
    fast, slow = (ms.simulate(small(duration_s=6, frame_rate_hz=rate)) for rate in (20, 10))

    def halved(values: Any) -> Any:
        return (values[..., ::2] + values[..., 1::2]) / 2

    np.testing.assert_allclose(
        halved(fast.truth.fluorescence[...]), slow.truth.fluorescence[...], rtol=0.01, atol=2e-3
    )
    np.testing.assert_allclose(halved(fast.truth.motion_um.T), slow.truth.motion_um.T, atol=5e-3)
    swelling = [
        np.concatenate([Scene(r.experiment).block(k).swelling for k in range(2)]) for r in (fast, slow)
    ]
    np.testing.assert_allclose(halved(swelling[0][:120]), swelling[1][:60], atol=2e-4)
    light = fast.without("noise").expected[:2].sum(axis=0)
    np.testing.assert_allclose(light, slow.expected[0], rtol=0.02)


def test_time_courses_are_functions_of_time(small: Small) -> None:
    exp = small()
    times = np.linspace(3, 9, 50)
    path = motion.path(exp.seed, exp.motion, times)
    np.testing.assert_allclose(motion.path(exp.seed, exp.motion, times[20:30]), path[20:30], atol=1e-9)
    v = exp.vessels
    values = (exp.seed, v.vasomotion, v.vasomotion_hz, v.heart, exp.motion.heart_hz)
    whole = vessels.swelling(*values, times)
    np.testing.assert_allclose(vessels.swelling(*values, times[20:30]), whole[20:30], atol=1e-9)


def draws(exp: ms.Experiment) -> dict[str, Any]:
    """Everything that is drawn at random, by the layer that it belongs to."""
    scene = Scene(exp.with_(off=()))
    n, whole = exp.neuropil, 700.0
    spikes = scene.spikes(0, 3)
    grain = background.texture(exp.seed, n.texture, n.texture_size_um, n.depth_um, whole)
    times = np.linspace(0, 2, 40)
    return {
        "cells": (scene.places.positions_um, scene.bodies.radius_um, scene.bright_molecules),
        "activity": (spikes.cell, spikes.time_s),
        "neuropil": (grain.spectra[0],),
        "vessels": (scene.tree.segments_um,),
        "motion": (motion.path(exp.seed, exp.motion, times),),
        "sensor": (scene.pattern.gain, scene.pattern.offset),
    }


def same(a: tuple[Any, ...], b: tuple[Any, ...]) -> bool:
    return all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize("name", [name for name in FIELDS if name != "sensor.pixel_pitch_um"])
def test_a_parameter_leaves_the_draws_of_other_layers_alone(small: Small, name: str) -> None:
    exp = base_scene(small)
    before, after = draws(exp), draws(change(exp, name))
    own = name.partition(".")[0]
    follows = {"activity"} if own == "cells" else set()  # other cells fire other spikes
    for layer in before.keys() - {own} - follows:
        assert same(before[layer], after[layer]), layer


@pytest.mark.parametrize("switch", SWITCHES)
def test_a_switch_leaves_every_draw_alone(small: Small, switch: str) -> None:
    on = ms.simulate(small(duration_s=3))
    off = on.without(switch)
    for name in ("positions_um", "spike_cell", "spike_time_s", "centroids_px"):
        assert np.array_equal(getattr(on.truth, name), getattr(off.truth, name)), name
    assert np.array_equal(on.truth.fluorescence[...], off.truth.fluorescence[...])
    a, b = Scene(on.experiment), Scene(off.experiment)
    assert b.tree is a.tree and b.bodies is a.bodies and b.pattern is a.pattern
    assert b.canvas == a.canvas
    if switch != "motion":
        assert np.array_equal(on.truth.motion_path_um, off.truth.motion_path_um)
        assert np.array_equal(a.block(0).path_px, b.block(0).path_px)
    if switch != "vessels":
        assert np.array_equal(a.block(0).swelling, b.block(0).swelling)
        assert np.array_equal(on.truth.vessel_mask, off.truth.vessel_mask)
    if switch != "neuropil":
        assert np.array_equal(a.block(0).haze, b.block(0).haze)
        if switch != "illumination":
            for x, y in zip(a.haze, b.haze, strict=True):
                assert np.array_equal(x.maps, y.maps)


def test_noise_is_the_same_whatever_layers_are_on(small: Small) -> None:
    """Where the expected light is equal, so are the counts."""
    exp = small(illumination={"led_mw": 0}, sensor={"read_noise_e": 30})
    rec = ms.simulate(exp)
    for switch in SWITCHES[:-1]:
        assert np.array_equal(rec.without(switch).frames[2], rec.frames[2]), switch


@pytest.mark.parametrize("fraction", [1e-17, 1e-300])
def test_running_hardly_ever_is_a_finite_path(small: Small, fraction: float) -> None:
    exp = small(motion={"running_fraction": fraction})
    assert np.isfinite(motion.path(exp.seed, exp.motion, np.linspace(0, 5, 20))).all()


# -- law 5: light is linear until the sensor -----------------------------------------------------


def weights_for(shape: tuple[int, int], kind: str) -> Any:
    rng = np.random.default_rng(3)
    if kind == "float":
        return rng.normal(size=shape)
    if kind == "bool":
        return rng.random(shape) < 0.3
    return (shape[0] // 3, shape[1] - 1)


def assert_explained(rec: ms.Recording, kind: str, cells: int | None, frames: slice = slice(None)) -> None:
    roi = weights_for(rec.shape[1:], kind)
    weights = np.zeros(rec.shape[1:])
    if kind == "pixel":
        weights[roi] = 1
    else:
        weights = roi.astype(float)
    light = rec.expected[frames].astype(float)
    parts = rec.explain(roi, frames=frames, cells=cells)
    for part in parts.values():
        assert part.shape == (len(light),) and part.dtype == np.float64
    scale = (np.abs(weights) * light).sum(axis=(1, 2))
    gap = sum(parts.values()) - (weights * light).sum(axis=(1, 2))
    assert (np.abs(gap) <= 1e-5 * scale).all()


COMBINATIONS = [
    (), *((name,) for name in SWITCHES), SWITCHES,
    ("out_of_focus", "blur", "dimming"), ("neuropil", "vessels"), ("motion", "illumination", "noise"),
    ("blur", "stray_light", "vignetting"), ("dimming", "neuropil", "stray_light"),
    ("out_of_focus", "illumination"),
]  # fmt: skip


@pytest.mark.parametrize("off", COMBINATIONS, ids="-".join)
def test_the_parts_add_up_to_the_expected_light(small: Small, off: tuple[str, ...]) -> None:
    rec = ms.simulate(small(duration_s=4, off=off))
    for kind, cells in (("float", 8), ("bool", None), ("pixel", 0)):
        assert_explained(rec, kind, cells, slice(0, 80, 27))


@pytest.mark.parametrize("off", [(), ("blur", "dimming"), ("vessels", "illumination")], ids="-".join)
def test_the_parts_add_up_in_a_bending_brain(small: Small, off: tuple[str, ...]) -> None:
    rec = ms.simulate(small(duration_s=4, off=off, motion=BENDING))
    for kind, cells in (("float", 8), ("bool", None), ("pixel", 0)):
        assert_explained(rec, kind, cells, slice(0, 80, 27))


def test_absent_layers_have_no_part(small: Small) -> None:
    rec = ms.simulate(small())
    parts = rec.explain((10, 10), frames=slice(0, 1))
    others = {"other_cells", "distant_tissue", "neuropil", "stray_light"}
    assert others < set(parts)
    assert sum(name.startswith("cell:") for name in parts) == 8
    assert "neuropil" not in rec.without("neuropil").explain((10, 10), frames=slice(0, 1))
    assert "stray_light" not in rec.without("stray_light").explain((10, 10), frames=slice(0, 1))
    assert "distant_tissue" not in rec.without("dimming").explain((10, 10), frames=slice(0, 1))
    alone = ms.simulate(small(cells={"positions_um": ((90, 0, 0),)}))
    assert set(alone.explain((10, 10))) == {"cell:0", "neuropil", "stray_light"}
    nobody = ms.simulate(small(cells={"positions_um": ()}))
    assert set(nobody.explain((10, 10))) == {"neuropil", "stray_light"}
    everyone = rec.explain((10, 10), frames=slice(0, 1), cells=None)
    assert sum(name.startswith("cell:") for name in everyone) == len(rec.truth.positions_um)
    assert "other_cells" not in everyone


def test_the_strongest_cells_come_first(small: Small) -> None:
    rec = ms.simulate(small())
    roi = np.zeros(rec.shape[1:], dtype=bool)
    roi[20:30, 20:30] = True
    named = [v.sum() for k, v in rec.explain(roi, cells=5).items() if k.startswith("cell:")]
    everyone = rec.explain(roi, cells=None)
    assert named == sorted(named, reverse=True)
    best = sorted((v.sum() for k, v in everyone.items() if k.startswith("cell:")), reverse=True)
    np.testing.assert_allclose(named, best[:5])


@pytest.mark.parametrize("off", [(), ("motion", "vessels"), ("dimming", "blur")], ids="-".join)
def test_a_cells_part_is_what_vanishes_with_it(small: Small, off: tuple[str, ...]) -> None:
    places = ((90.0, 3.0, -5.0), (40.0, -20.0, 18.0), (160.0, 10.0, 31.0))
    rec = ms.simulate(small(cells={"positions_um": places}, off=off))
    fewer = ms.simulate(small(cells={"positions_um": places[:2]}, off=off))
    roi = weights_for(rec.shape[1:], "float")
    gone = ((rec.expected[...].astype(float) - fewer.expected[...]) * roi).sum(axis=(1, 2))
    part = rec.explain(roi)["cell:2"]
    scale = (np.abs(roi) * rec.expected[...]).sum(axis=(1, 2))
    assert np.abs((gone - part) / scale).max() < 1e-5
    assert np.abs(part).min() > 0
    for name in ("cell:0", "cell:1", "neuropil", "stray_light"):
        np.testing.assert_array_equal(rec.explain(roi)[name], fewer.explain(roi)[name])


@pytest.mark.parametrize("motion", [{}, BENDING], ids=["shifting", "bending"])
@pytest.mark.parametrize("off", [(), ("vessels",), ("motion", "dimming"), ("blur",)], ids="-".join)
def test_explaining_is_the_adjoint_of_rendering(
    small: Small, off: tuple[str, ...], motion: dict[str, float]
) -> None:
    """<A x, y> = <x, Aᵀ y> for random light of every source and random weights."""
    rng = np.random.default_rng(5)
    scene = Scene(small(field_um=70, off=off, motion=motion))
    real = scene.block(0)
    for at in (0, 17, 63):
        block = real._replace(
            fluorescence=rng.random(real.fluorescence.shape).astype(np.float32),
            haze=rng.random(real.haze.shape) * scene.haze_electrons,
            beyond=rng.random(real.beyond.shape),
            swelling=rng.normal(0, 0.1, real.swelling.shape),
        )
        out = np.empty(scene.experiment.shape_px, dtype=np.float32)
        render.expect(scene, block, at, out)
        weights = rng.normal(size=out.shape)
        cells, beyond, haze = explanation._one_frame(scene, block, at, weights)
        left = (weights * (out.astype(float) - scene.stray.map)).sum()
        scale = (np.abs(weights) * out).sum()
        assert abs(left - (cells.sum() + beyond + haze)) < 1e-5 * scale


def test_light_is_linear_in_the_lamp(small: Small) -> None:
    dim, bright = (ms.simulate(small(illumination={"led_mw": p})).expected[5] for p in (0.1, 0.8))
    np.testing.assert_allclose(bright, 8 * dim, rtol=1e-5)
    assert not ms.simulate(small(illumination={"led_mw": 0})).expected[5].any()


def test_a_region_may_lie_in_memory_in_any_way(small: Small) -> None:
    rec = ms.simulate(small())
    roi = weights_for(rec.shape[1:], "float")
    want = rec.explain(roi, frames=slice(0, 2))
    for other in (np.asfortranarray(roi), np.repeat(roi, 2, axis=1)[:, ::2], roi.astype(object)):
        got = rec.explain(other, frames=slice(0, 2))
        for name in want:
            np.testing.assert_allclose(got[name], want[name])


# -- law 7: bolted to what they belong to --------------------------------------------------------


def test_scope_fields_do_not_move_with_the_brain(small: Small) -> None:
    shaky = {"motion": {"stride_um": 15, "running_fraction": 1, "drift_um": 0}}
    rec = ms.simulate(small(**shaky))
    assert np.abs(rec.truth.motion_um).max() > 1
    still = rec.without("motion")
    for name in ("illumination", "vignetting", "stray_light_e", "focal_surface_um"):
        assert np.array_equal(getattr(rec.truth, name), getattr(still.truth, name))
    glow = ms.simulate(small(cells={"positions_um": ()}, **shaky)).only("stray_light", "motion")
    assert np.array_equal(glow.expected[0], glow.expected[7])
    np.testing.assert_allclose(glow.expected[0], glow.truth.stray_light_e, rtol=1e-6)


# -- law 9: serial kernels -----------------------------------------------------------------------


def test_kernels_are_serial_and_let_other_threads_run() -> None:
    assert len(KERNELS) > 30
    for kernel in KERNELS:
        assert not kernel.targetoptions.get("parallel"), kernel.__name__
        assert kernel.targetoptions["nogil"], kernel.__name__
        assert kernel.targetoptions.get("fastmath") in (None, False, {"contract"}), kernel.__name__


def test_numba_is_used_in_the_kernels_alone() -> None:
    package = Path(ms.__file__).parent
    for file in package.rglob("*.py"):
        text = file.read_text("utf-8")
        assert "prange" not in text and "parallel=True" not in text, file.name
        if file.parent.name != "kernels":
            assert not re.search(r"^\s*(import|from) numba", text, re.M), file.name


def test_the_engine_imports_no_notebook_widget_or_plot(python: Python) -> None:
    said = python(
        "import sys, minisim_core as ms\n"
        "ms.simulate(ms.presets.get('guide', field_um=40, duration_s=.1)).frames[0]\n"
        "print([m for m in ('IPython', 'ipywidgets', 'anywidget', 'matplotlib', 'jupyter_core',"
        "'minisim_guide', 'tkinter', 'zarr', 'h5py') if m in sys.modules])"
    )
    assert said.strip() == "[]"


# -- law 10: several scales and a horizon --------------------------------------------------------


@pytest.mark.parametrize(
    "tissue",
    [{}, {"scattering_per_mm": 0, "absorption_per_mm": 0}, {"scattering_per_mm": 21, "anisotropy": 0.9}],
)
@pytest.mark.parametrize("focus_um", [0, 90, 300])
def test_every_cells_light_is_somewhere(small: Small, tissue: dict[str, float], focus_um: float) -> None:
    exp = small(field_um=300, focus_um=focus_um, tissue=tissue, cells={"depth_range_um": (0, 400)})
    scene = Scene(exp)
    images, z = scene.images, scene.places.positions_um[:, 0]
    t = exp.tissue
    medium = Medium(t.scattering_per_mm, t.anisotropy, t.absorption_per_mm).transport()
    light, shine = fate(z, medium), fluence(z, medium)
    area = 4.0 ** np.arange(images.near.shape[1])
    near, far = (images.near * area).sum(axis=1), (images.far * area).sum(axis=1)
    np.testing.assert_allclose(images.core_share + near, shine * (light.ballistic + light.narrow), rtol=1e-3)
    np.testing.assert_allclose(far, shine * light.wide, rtol=1e-3, atol=1e-12)
    total = images.core_share + near + far
    np.testing.assert_allclose(total, shine * (light.ballistic + light.narrow + light.wide), rtol=1e-3)
    assert not images.far[:, :FAR_LEVEL].any()
    y, x = images.center_px.T
    body = 12 + exp.cells.stained.dendrite_reach_um
    reach = (body + 1.3 * np.abs(images.defocus_um) * scene.lens.slope) / exp.pixel_um
    inside = (np.minimum(y, x) > reach) & (
        np.maximum(y, x) < min(scene.canvas.rows, scene.canvas.columns) - reach
    )
    assert inside.sum() > 20
    for i in np.flatnonzero(inside)[:200]:
        size = images.rows[i] * images.columns[i]
        core = (
            images.values[images.first[i] : images.first[i] + size].sum(dtype=float) * 4.0 ** images.level[i]
        )
        assert core == pytest.approx(images.core_share[i], rel=1e-3)


def test_the_drawn_picture_holds_the_light_it_should(small: Small) -> None:
    """A cell in clear tissue, in or out of focus: all of its light is in the picture."""
    defocus = np.array([0.0, 10, 30, 60, 120])
    share = ms.optics.light_against_defocus(small(field_um=400), defocus)
    np.testing.assert_allclose(share, 1, rtol=1e-3)


# -- law 11: nothing waits on the disk cache -----------------------------------------------------


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A copy of the engine in a folder of its own, without compiled code."""
    package = Path(ms.__file__).parent
    shutil.copytree(package, tmp_path / "site" / "minisim_core", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path / "site"


DIGEST = """
light = ms.simulate(ms.presets.get("guide", field_um=80, duration_s=0.3)).expected[:]
print(__import__("hashlib").sha256(light.tobytes()).hexdigest())
"""


def test_without_a_writable_cache_it_compiles_says_so_once_and_renders_the_same(
    copied: Path, python: Python
) -> None:
    for folder in ("minisim_core", "minisim_core/kernels"):
        (copied / folder / "__pycache__").write_text("no folder can be made here")
    off = ("neuropil", "vessels", "motion", "noise", "blur", "dimming")
    nowhere = str(copied / "minisim_core" / "__init__.py" / "cache")
    code = f"""
import warnings
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    import minisim_core as ms
    from minisim_core import randomness
    print(randomness.uniforms(randomness.stream(0, "a", "b"), __import__("numpy").arange(3).astype("u8")))
    rec = ms.simulate(ms.presets.get("guide", field_um=40, duration_s=0.1))
    print(rec.without(*{off!r}).frames[0].mean() > 0)
{DIGEST}
print(len([w for w in said if "compiled anew" in str(w.message)]), ms.__file__)
"""
    said = python(
        code, PYTHONPATH=str(copied), NUMBA_CACHE_DIR=nowhere, HOME=nowhere, XDG_CACHE_HOME=nowhere,
        LOCALAPPDATA=nowhere, PYTHONDONTWRITEBYTECODE="1",
    )  # fmt: skip
    digests = [python("import minisim_core as ms\n" + DIGEST) for _ in range(2)]  # the second from the cache
    assert f"True\n{digests[1]}1 " in said
    assert str(copied) in said
    assert not list(copied.rglob("*.nb?"))


CACHE = """
import json
import pickle
import minisim_core as ms
from minisim_core.kernels._jit import KERNELS
ms.warm()
folders = {k.stats.cache_path for k in KERNELS}
from pathlib import Path
files = sorted(str(p) for f in folders for p in Path(f).glob("*.nb?"))
misses = {k.__name__: sum(k.stats.cache_misses.values()) for k in KERNELS if k.stats.cache_misses}
print(json.dumps([len(files), misses]))
"""


def test_a_second_process_loads_what_the_first_compiled(python: Python) -> None:
    first, second = (json.loads(python(CACHE)) for _ in range(2))
    assert second[1] == {}
    assert first[0] == second[0]


SLIDERS = """
import json, sys, warnings
import numpy as np
import minisim_core as ms
from minisim_core.experiment import GROUPS
from minisim_core.kernels._jit import KERNELS
ms.warm()
def known():
    return {k.__name__: len(k.signatures) for k in KERNELS}
at_first = known()
new = {}
def look(what):
    global at_first
    now = known()
    for name, count in now.items():
        if count > at_first[name]:
            new.setdefault(what, []).append(name)
    at_first = now
small = ms.presets.get("guide", field_um=40, duration_s=0.2)
for preset in ms.presets.names():
    rec = ms.simulate(ms.presets.get(preset, duration_s=0.1))
    rec.frames[0], rec.expected[0:2]
    look(preset)
for switch in ms.LAYERS[1:]:
    for bits in (8, 10, 12):
        ms.simulate(small.with_(sensor={"bit_depth": bits})).without(switch).frames[0]
    look("off " + switch)
for only in ((), ("out_of_focus",), ms.LAYERS):
    ms.simulate(small).only(*only).frames[0]
    look("only")
for name in json.loads(sys.argv[1]):
    group, _, field = name.rpartition(".")
    about = ms.describe(name)
    value = about.default * 1.01 if about.default * 1.01 < about.high else about.default * 0.99
    value = about.default + 1 if isinstance(about.default, int) and name in %r else value
    exp = small.with_(**({group: {field: value}} if group else {field: value}))
    rec = ms.simulate(exp)
    rec.frames[0], rec.without("noise").frames[0]
    look(name)
rec = ms.simulate(small)
rec.explain(np.ones(rec.shape[1:], dtype=bool)), rec.explain((1, 2), cells=None)
rec.without("neuropil", "vessels").explain((1, 2))
look("explain")
for name in dir(rec.truth):
    value = None if name.startswith("_") else getattr(rec.truth, name)
    if hasattr(value, "shape"):
        np.asarray(value)
    elif value is not None and not callable(value):
        value[0], value[-1]
look("truth")
for cells in ({"positions_um": ()}, {"positions_um": ((90, 0, 0),)}, {"density_per_mm3": 0}):
    ms.simulate(small.with_(cells=cells)).frames[0]
    look(str(cells))
ms.simulate(small.with_(vessels={"count": 0})).frames[0]
look("no vessels")
ms.simulate(small.with_(activity={"bleaching_per_million_photons": 9})).frames[0]
look("bleaching")
rec = ms.simulate(small.with_(motion={"nonrigid_um": 0.5, "rotation_deg": 0.1, "axial_um": 1}))
rec.frames[0], rec.explain((1, 2)), rec.truth.displacement_um((0, 0))
look("a brain that bends")
print(json.dumps(new))
"""


def test_nothing_compiles_after_warming(python: Python) -> None:
    numbers = [
        name for name in FIELDS if isinstance(describe(name).low, int | float) and not describe(name).choices
    ]
    whole = tuple(
        n for n in numbers if GROUPS[n.partition(".")[0]].model_fields[n.partition(".")[2]].annotation is int
    )
    said = python(SLIDERS % (whole,), json.dumps([*numbers, "focus_um", "frame_rate_hz", "seed"]))
    assert json.loads(said.splitlines()[-1]) == {}


def test_a_changed_kernel_file_recompiles_the_kernels_that_use_it(
    copied: Path, tmp_path: Path, python: Python
) -> None:
    code = (
        "import numpy as np\n"
        "from minisim_core.kernels import placement\n"
        "size = np.full(3, 50.0)\n"
        "print(len(placement.candidates(np.uint64(3), np.zeros(3, int), np.full(3, 6), size, 1e-4)[0]))"
    )

    def count(cache: str) -> str:
        return python(
            code, PYTHONPATH=str(copied), NUMBA_CACHE_DIR=str(tmp_path / cache), PYTHONDONTWRITEBYTECODE="1"
        )

    before = count("cache")
    chance = copied / "minisim_core" / "kernels" / "chance.py"
    text = chance.read_text("utf-8")
    assert "0x9E3779B97F4A7C15" in text
    chance.write_text(text.replace("0x9E3779B97F4A7C15", "0x9E3779B97F4A7C19"), "utf-8")
    after = count("another cache")
    assert after != before
    assert count("cache") == after


def test_a_cache_that_names_types_of_another_version_is_compiled_anew(tmp_path: Path, python: Python) -> None:
    code = "import numpy as np, minisim_core.randomness as r; print(r.uniforms(3, np.arange(3).astype('u8')))"
    here = {"NUMBA_CACHE_DIR": str(tmp_path)}
    before = python(code, **here)
    indices = list(tmp_path.rglob("*.nbi"))
    assert indices
    for index in indices:
        with index.open("rb") as file:
            version = pickle.load(file)
        index.write_bytes(pickle.dumps(version) + b"cminisim_core.scene\nGone\n.")
    assert python(code, **here) == before
    assert all(b"Gone" not in index.read_bytes() for index in indices)
