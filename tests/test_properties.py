"""Any experiment that is accepted renders sensibly; anything else is refused by name."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import minisim_core as ms
from minisim_core import memory
from minisim_core.experiment import GROUPS, describe
from minisim_core.parameters import Description

pytestmark = pytest.mark.filterwarnings("ignore::minisim_core.ModelRangeWarning")
FEW = settings(
    max_examples=12, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)
MANY = settings(FEW, max_examples=200)

# Kept apart: these decide how large a scene is, and get limits of their own.
SIZES: dict[str, st.SearchStrategy[Any]] = {
    "cells.density_per_mm3": st.floats(0, 6e4),
    "cells.minimum_distance_um": st.floats(0, 12),
    "cells.depth_range_um": st.tuples(st.floats(0, 300), st.floats(0, 300)).map(lambda r: tuple(sorted(r))),
    "cells.positions_um": st.none()
    | st.lists(st.tuples(st.floats(0, 600), st.floats(-200, 200), st.floats(-5000, 5000)), max_size=6).map(
        tuple
    ),
    "scope.magnification": st.floats(1, 10),
    "scope.model_name": st.text(max_size=10),
    "sensor.gain_steps": st.sets(st.floats(1, 16)).map(lambda steps: tuple(sorted(steps))),
    "sensor.pixel_pitch_um": st.floats(3, 10),
    "sensor.width_px": st.integers(8, 700),
    "sensor.height_px": st.integers(8, 700),
    "motion.running_fraction": st.floats(0, 1),
    "motion.looseness": st.floats(0, 1.5),
    "activity.rate_hz": st.floats(0, 4),
    "activity.burst_spikes": st.floats(1, 6),
    "neuropil.depth_um": st.floats(20, 400),
}


def values(about: Description, name: str) -> st.SearchStrategy[Any]:
    if name in SIZES:
        return SIZES[name]
    if about.choices:
        return st.sampled_from(about.choices)
    assert about.low is not None and about.high is not None
    if isinstance(about.default, int):
        return st.integers(int(about.low), int(about.high))
    low, high = float(about.low), float(about.high)
    return st.sampled_from([low, high]) | st.floats(low, high)


def groups() -> st.SearchStrategy[dict[str, Any]]:
    """A few fields of any groups, anywhere within their limits."""
    return st.fixed_dictionaries(
        {},
        optional={
            group: st.fixed_dictionaries(
                {}, optional={f: values(describe(f"{group}.{f}"), f"{group}.{f}") for f in model.model_fields}
            )
            for group, model in GROUPS.items()
        },
    )


def experiments() -> st.SearchStrategy[dict[str, Any]]:
    top = st.fixed_dictionaries(
        {
            "pixels": st.integers(8, 60),
            "focus_um": st.floats(0, 400),
            "frame_rate_hz": st.floats(0.5, 500),
            "frames": st.integers(1, 130),
            "seed": st.integers(0, 2**63 - 1),
            "off": st.sets(st.sampled_from(ms.LAYERS[1:])).map(tuple),
        }
    )
    return st.builds(lambda a, b: a | {"groups": b}, top, groups())


def build(drawn: dict[str, Any]) -> ms.Experiment | None:
    """The experiment, or None where it was refused in a sentence."""
    changes = dict(drawn["groups"])
    scope, sensor = changes.get("scope", {}), changes.get("sensor", {})
    pixel_um = sensor.get("pixel_pitch_um", 4.8) / scope.get("magnification", 3.161)
    try:
        return ms.presets.get(
            "guide",
            field_um=max(drawn["pixels"] * pixel_um, 10),
            focus_um=drawn["focus_um"],
            frame_rate_hz=drawn["frame_rate_hz"],
            duration_s=drawn["frames"] / drawn["frame_rate_hz"],
            seed=drawn["seed"],
            off=drawn["off"],
            **changes,
        )
    except ms.ParameterError as error:
        assert "pydantic" not in str(error)
        return None


@FEW
@given(experiments())
def test_any_experiment_renders_what_a_camera_could_record(drawn: dict[str, Any]) -> None:
    exp = build(drawn)
    if exp is None:
        return
    memory.clear()
    rec = ms.simulate(exp)
    last = rec.shape[0] - 1
    expected = rec.expected[[0, last]]
    assert np.isfinite(expected).all()
    sharp = {"blur", "neuropil"} <= set(exp.off)  # moved by cubic convolution, an edge overshoots
    assert expected.min() >= (-0.1 if sharp else -1e-3) * max(float(expected.max()), 1e-6)
    frames = rec.frames[[0, last]]
    assert frames.max() < 2**exp.sensor.bit_depth
    assert frames.shape == (2, *exp.shape_px)
    memory.clear()
    again = ms.simulate(ms.Experiment.from_json(exp.to_json()))
    assert np.array_equal(again.frames[last], frames[1])
    assert np.array_equal(again.expected[0], expected[0])


@FEW
@given(experiments(), st.integers(0, 2**32 - 1))
def test_any_experiment_is_explained(drawn: dict[str, Any], seed: int) -> None:
    exp = build(drawn)
    if exp is None:
        return
    rec = ms.simulate(exp)
    weights = np.random.default_rng(seed).normal(size=rec.shape[1:])
    parts = rec.explain(weights, frames=slice(-1, None))
    light = rec.expected[-1].astype(float)
    gap = sum(part[0] for part in parts.values()) - (weights * light).sum()
    assert abs(gap) <= 1e-5 * (np.abs(weights * light)).sum() + 1e-12


@MANY
@given(groups())
def test_any_experiment_goes_through_json(changes: dict[str, Any]) -> None:
    try:
        exp = ms.presets.get("guide", field_um=40, **changes)
    except ms.ParameterError:
        return
    again = ms.Experiment.from_json(exp.to_json())
    assert again == exp
    assert again.to_json() == exp.to_json()
    for group, fields in changes.items():
        for field, value in fields.items():
            assert getattr(getattr(exp, group), field) == value


NUMBERS = [
    f"{group}.{field}"
    for group, model in GROUPS.items()
    for field in model.model_fields
    if describe(f"{group}.{field}").low is not None
]


@MANY
@given(
    st.sampled_from([*NUMBERS, "field_um", "focus_um", "duration_s", "frame_rate_hz"]),
    st.floats(allow_nan=True, allow_infinity=True),
)
def test_values_beyond_the_limits_are_refused_by_name(name: str, value: float) -> None:
    about = describe(name)
    assert about.low is not None and about.high is not None
    if math.isfinite(value) and about.low <= value <= about.high:
        return
    group, _, field = name.rpartition(".")
    with pytest.raises(ms.ParameterError) as caught:
        ms.presets.get("guide").with_(**({group: {field: value}} if group else {field: value}))
    assert str(caught.value).startswith(f"{name} = ")
    assert f"{about.low:g}" in str(caught.value) and f"{about.high:g}" in str(caught.value)


@MANY
@given(st.data())
def test_any_index_is_numpys(data: st.DataObject) -> None:
    exp = ms.presets.get("guide", field_um=20, duration_s=1)
    calcium = ms.simulate(exp).truth.calcium
    whole = np.asarray(calcium)

    def axis(n: int) -> st.SearchStrategy[Any]:
        return st.integers(-n, n - 1) | st.slices(n)

    key = data.draw(
        st.tuples(axis(whole.shape[0]), axis(whole.shape[1]))
        | axis(whole.shape[0])
        | st.tuples(st.just(...), axis(whole.shape[1]))
        | st.lists(st.integers(-whole.shape[0], whole.shape[0] - 1), min_size=1, max_size=4)
    )
    got, want = calcium[key], whole[key]
    assert np.shape(got) == want.shape
    assert np.array_equal(got, want)
