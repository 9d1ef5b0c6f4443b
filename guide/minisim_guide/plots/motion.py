"""A brain that moves: its path, its rhythms as filmed, what it does to a mean image, and registration."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

import minisim_core as ms
from minisim_core.inverse import registration

from .owners import name_of, owners_of
from .pieces import Remembered, or_why, share_of
from .sight import Sight, subject
from .spec import Spec, decades, empty, number, percent, short, upto
from .time import LONGEST, POINTS, lines, thinned, time_limits

FloatArray = NDArray[np.floating]

PATH_S = 10.0
"""So much of a path is drawn: long enough for a bout of running to come and go."""

SHIFTS_S = 5.0
"""So much of it beside what registration finds: of more, dots could not be told apart."""

RHYTHMS_TO_HZ = 15.0
"""The spectrum of a path reaches at least so far."""

PIECE_UM = 200.0
"""Field that is registered for a prediction."""

_PIECE = 16  # frames averaged between two reports of progress
_FEWEST = 16  # frames that make a spectrum
_LEAST_UM = 0.01
_SIDES = (("down", "own"), ("across", "cool"))


# -- the path --------------------------------------------------------------------------------


def plot_path(sight: Sight) -> Spec:
    """Show where the brain is: all the time, and as each frame averages it."""
    title, truth = "The path of the brain", sight.right.truth
    if _still(sight.right):
        return empty(title, "Nothing moves: the brain stands still.")
    time, path = np.asarray(truth.motion_path_time_s), np.asarray(truth.motion_path_um)
    shown = time <= min(PATH_S, float(time[-1]))
    frames = _mid_times(sight.right)
    seen = frames <= time[shown][-1]
    series = _lanes(time[shown], path[shown], [(frames[seen], np.asarray(truth.motion_um)[seen], {})])
    far = np.hypot(*(path - path.mean(axis=0)).T)
    return {
        "kind": "traces",
        "title": title,
        "x": {"label": "time, s", "limits": [0.0, float(time[shown][-1])]},
        "y": {"label": "", "unit": "µm", "limits": _room(series)},
        "series": series,
        "notes": ["line: always; dots: what each frame averages"],
        "summary": f"The path of the brain, down and across: up to {number(float(far.max()), 2)} µm from its "
        f"mean place, half of the time more than {number(float(np.median(far)), 2)} µm.",
    }


def plot_path_spectrum(sight: Sight) -> Spec:
    """Show the rhythms of the path, as they are and as they are filmed."""
    title, recording = "Rhythms of the path", sight.right
    truth, e = recording.truth, recording.experiment
    if _still(recording):
        return empty(title, "Nothing moves: the brain stands still.")
    rate_hz = 1 / float(np.diff(truth.motion_path_time_s[:2])[0])
    true = ms.measures.path_spectrum(truth.motion_path_um, rate_hz)
    filmed = None
    if len(recording.frames) >= _FEWEST:
        filmed = ms.measures.path_spectrum(truth.motion_um, e.frame_rate_hz)
    half_hz = e.frame_rate_hz / 2
    limits = [0.0, max(RHYTHMS_TO_HZ, min(half_hz, 2 * RHYTHMS_TO_HZ))]
    top = float(true.amplitude.max())
    y = decades(max(_LEAST_UM, top / 1e3), 2.5 * top)
    kinds: list[tuple[str, Any, dict[str, Any]]] = [("the movement itself", true, {"ink": "pale"})]
    if filmed is not None:
        kinds.append((f"as filmed at {e.frame_rate_hz:g} frames/s", filmed, {"ink": "own"}))
    series = []
    for name, found, style in kinds:
        seen = found.frequency_hz <= limits[1]
        at, height = found.frequency_hz[seen], np.maximum(found.amplitude[seen], y[0])
        series.append({"name": name, "x": short(at), "y": short(height)} | style)
    return {
        "kind": "lines",
        "title": title,
        "x": {"label": "frequency, Hz", "limits": limits},
        "y": {"label": "amplitude, µm", "limits": y, "log": True},
        "series": series,
        "marks": [{"x": at, "label": label} for at, label, _ in lines(e)],
        "bands": [{"from": half_hz, "to": limits[1]}] if half_hz < limits[1] else [],
        "notes": [f"shaded: faster than half the frame rate, {number(half_hz)} Hz"]
        if half_hz < limits[1]
        else [],
        "summary": f"Rhythms of the path filmed at {e.frame_rate_hz:g} frames a second: "
        + (", ".join(_weakened(e, words) for _, _, words in lines(e)) or "none")
        + ".",
    }


def say_motion(sight: Sight) -> str:
    """Say how far the brain wanders, and how far it goes while the shutter is open."""
    recording, truth = sight.right, sight.right.truth
    if _still(recording):
        return "Nothing moves: the brain stands still on both sides."
    path = np.asarray(truth.motion_path_um)
    far = float(np.hypot(*(path - path.mean(axis=0)).T).max())
    steps = np.hypot(*np.diff(path, axis=0).T)
    open_um = float(steps.sum()) * recording.experiment.sensor.exposure_fraction / len(recording.frames)
    return (
        f"In {recording.experiment.duration_s:g} s the brain comes {number(far, 2)} µm away from its mean "
        f"place; while the shutter is open for one frame it travels {number(open_um, 2)} µm."
    )


# -- a mean image, a pixel -------------------------------------------------------------------


@or_why("One cell in the mean image")
def plot_smear(sight: Sight) -> Iterator[float | Spec]:
    """Show one cell in the mean image of either side."""
    title = "One cell in the mean image"
    yield 0.0
    middle = _example(sight.right)
    if middle is None:
        yield empty(title, "No cell is in focus here.")
        return
    found, done = {}, 0.0
    for side, recording in (("held still", sight.left), ("moving", sight.right)):
        total = np.zeros(recording.shape[1:])
        count = min(len(recording.frames), LONGEST)
        for first in range(0, count, _PIECE):
            frames = recording.frames[first : min(first + _PIECE, count)]
            total += frames.sum(axis=0, dtype=float)
            done += len(frames) / count / 2
            yield min(done, 1.0)
        found[side] = ms.measures.spot(total / count, middle, recording.pixel_um)
    yield _spots(title, found)


def plot_pixel_owner(sight: Sight) -> Iterator[float | Spec]:
    """Show which cells a fixed pixel lies on while the brain moves, all cells at rest."""
    title, count = "Whose cell is this pixel on?", min(len(sight.right.frames), LONGEST)
    yield 0.0
    if _still(sight.right):
        yield empty(title, "Nothing moves: the pixel stays where it is.")
        return
    at_rest = ms.simulate(sight.right.experiment.with_(activity={"rate_hz": 0}))
    pixel = tuple(sight.pixel) or edge_pixel(sight.right)
    named = owners_of(at_rest, pixel, None)
    if not named:
        yield empty(title, "No cell sends light to this pixel.")
        return
    pieces: list[Any] = []
    owners: list[int] = []
    for first in range(0, count, _PIECE):
        frames = slice(first, min(first + _PIECE, count))
        parts = at_rest.explain(pixel, frames, cells=None)
        pieces.append([parts[f"cell:{cell}"] for cell in named])
        owners += ms.measures.main_owners(parts).tolist()
        yield frames.stop / count
    courses = np.concatenate(pieces, axis=1)
    known, often = np.unique(owners, return_counts=True)
    usual = int(known[np.argmax(often)])
    elsewhere = 1 - often.max() / count
    every = -(-count // POINTS)
    times = short(thinned(np.asarray(at_rest.times_s)[:count], every))
    styles: tuple[dict[str, Any], ...] = ({"ink": "own"}, {"ink": "cool", "dash": True}, {"ink": "green"})
    yield {
        "kind": "lines",
        "title": title,
        "x": {"label": "time, s", "limits": time_limits(at_rest, count), "kind": "time", "every": every},
        "y": {"label": "e⁻, cells at rest", "limits": [0, upto(courses)]},
        "series": [
            {"name": name_of(at_rest, cell), "x": times, "y": short(thinned(course, every))} | style
            for cell, course, style in zip(named, courses, styles, strict=False)
        ],
        "notes": [
            f"in {percent(elsewhere)} of the frames another cell than {name_of(at_rest, usual)} owns it"
        ],
        "summary": f"A fixed pixel while the brain moves: {name_of(at_rest, usual)} is its usual owner; in "
        f"{percent(elsewhere)} of the frames another cell sends it more light. Held still, in none.",
    }


# -- registration ----------------------------------------------------------------------------


def _find(
    asked: tuple[ms.Experiment, bool], progress: Callable[[float], object]
) -> registration.Registration:
    experiment, band_pass = asked
    recording = ms.simulate(experiment)
    movie = np.empty(recording.shape, dtype=recording.frames.dtype)
    for first in range(0, len(movie), _PIECE):
        movie[first : first + _PIECE] = recording.frames[first : first + _PIECE]
        progress(0.1 * first / len(movie))
    return registration.register(
        movie, pixel_um=recording.pixel_um, bandpass_px=registration.BANDPASS_PX if band_pass else None,
        progress=lambda share: progress(0.1 + 0.9 * share),
    )  # fmt: skip


_registered = Remembered(_find, most=4)


@or_why("Shifts found by registration")
def plot_registration(sight: Sight) -> Iterator[float | Spec]:
    """Lay the shifts found in the movie over the true ones, found with and without a band-pass."""
    title, recording = "Shifts found by registration", sight.right
    yield 0.0
    found = {}
    for at, band_pass in enumerate((True, False)):
        made = _registered((recording.experiment, band_pass))
        found[band_pass] = (yield from share_of(made, at / 2, (at + 1) / 2)).shifts_um
    true = np.asarray(recording.truth.motion_um)
    center = true.mean(axis=0)
    times = _mid_times(recording)
    shown = times <= min(SHIFTS_S, float(times[-1]))
    dots = [
        (times[shown], center + (shifts - np.nanmean(shifts, axis=0))[shown], style)
        for shifts, style in ((found[False], {"ink": "soft", "hollow": True}), (found[True], {}))
    ]
    series = _lanes(times[shown], true[shown], dots)
    moved = _rms(true - center)
    left = {band_pass: _rms(registration.residual(s, true)) for band_pass, s in found.items()}
    px = recording.pixel_um
    told = {b: f"{number(v, 2)} µm ({number(v / px, 2)} px)" for b, v in left.items()}
    yield {
        "kind": "traces",
        "title": title,
        "x": {"label": "time, s", "limits": [0.0, float(times[shown][-1])]},
        "y": {"label": "", "unit": "µm", "limits": _room(series)},
        "series": series,
        "notes": [
            f"line: true, rms {number(moved, 2)} µm",
            f"dots: found, rms error {told[True]}",
            f"rings: without band-pass, {told[False]}",
        ],
        "summary": f"Of a movement of {number(moved, 2)} µm rms, registration misses {told[True]} with a "
        f"band-pass and {told[False]} without.",
    }


@or_why("One cell in the mean image")
def plot_sharpened(sight: Sight) -> Iterator[float | Spec]:
    """Show one cell in the mean image: held still, moving, and registered."""
    title, recording = "One cell in the mean image", sight.right
    yield 0.0
    middle = _example(recording)
    if middle is None:
        yield empty(title, "No cell is in focus here.")
        return
    found = yield from share_of(_registered((recording.experiment, True)), 0, 0.5)
    count = min(len(recording.frames), LONGEST)
    still = recording.without("motion")
    totals = {name: np.zeros(recording.shape[1:]) for name in ("held still", "moving", "registered")}
    for first in range(0, count, _PIECE):
        frames = slice(first, min(first + _PIECE, count))
        movie = recording.frames[frames]
        totals["moving"] += movie.sum(axis=0, dtype=float)
        totals["held still"] += still.frames[frames].sum(axis=0, dtype=float)
        if found.reliable.any():
            totals["registered"] += found.apply(movie, frames).sum(axis=0, dtype=float)
        yield 0.5 + 0.5 * frames.stop / count
    if not found.reliable.any():
        del totals["registered"]
    pixel_um = recording.pixel_um
    yield _spots(
        title, {name: ms.measures.spot(image / count, middle, pixel_um) for name, image in totals.items()}
    )


# -- numbers for predictions -----------------------------------------------------------------


def rhythm_off_the_stride_hz(experiment: ms.Experiment) -> float:
    """Register a piece of a scene, and say how far the strongest rhythm found is from the stride's."""
    movie = ms.simulate(experiment.with_(field_um=PIECE_UM))
    found = registration.register(movie.frames[:])
    seen_hz = ms.measures.strongest_rhythm_hz(found.path_px, experiment.frame_rate_hz)
    return abs(seen_hz - experiment.motion.stride_hz)


# -- what they share -------------------------------------------------------------------------


def _spots(title: str, found: dict[str, Any]) -> Spec:
    styles: dict[str, dict[str, Any]] = {
        "held still": {"ink": "soft", "dash": True}, "moving": {"ink": "own"}, "registered": {"ink": "cool"},
    }  # fmt: skip
    reach = float(next(iter(found.values())).offset_um.max())
    heights = np.concatenate([spot.light for spot in found.values()])
    return {
        "kind": "lines",
        "title": title,
        "x": {"label": "distance from its middle, µm", "limits": [-reach, reach]},
        "y": {
            "label": "counts above what is around",
            "limits": [1.1 * min(0.0, float(heights.min())), upto(heights)],
        },
        "series": [
            {"name": f"{name}: {_width(spot)}", "x": short(spot.offset_um), "y": short(spot.light)}
            | styles[name]
            for name, spot in found.items()
        ],
        "notes": ["width at half height"],
        "summary": "Width of one cell at half height in the mean image: "
        + ", ".join(f"{name} {_width(spot)}" for name, spot in found.items())
        + ".",
    }


def _width(spot: ms.measures.Spot) -> str:
    return f"{number(spot.width_um, 3)} µm"


def _example(recording: Any) -> tuple[float, float] | None:
    """Return the middle of the brightest cell in focus."""
    cell = ms.measures.brightest_cell(recording)
    if cell is None:
        return None
    row, column = np.asarray(recording.truth.centroids_px)[cell].tolist()
    return row, column


def edge_pixel(recording: Any) -> tuple[int, int]:
    """Return a pixel on the rim of the cell that a plot is about."""
    whom = subject(Sight(recording, recording, 0))
    rows, columns = np.nonzero(whom.weights)
    last = int(np.argmax(columns))
    return int(rows[last]), int(columns[last])


def _lanes(time: FloatArray, path: FloatArray, dots: list[tuple[Any, Any, dict[str, Any]]]) -> list[Any]:
    """Draw both axes of a path, one below the other, with dots in each lane; nan are left out."""
    every = -(-len(time) // POINTS)
    tall = float(np.ptp(path, axis=0).max()) or 1.0
    made = []
    for axis, (name, ink) in enumerate(_SIDES):
        course = path[:, axis]
        seen = [(x, y[:, axis], np.isfinite(y[:, axis]), style) for x, y, style in dots]
        made.append(
            {
                "name": name, "ink": ink, "mean": float(course.mean()), "at": -1.15 * axis * tall,
                "x": short(thinned(time, every)), "y": short(thinned(course, every)),
                "dots": [{"x": short(x[some]), "y": short(y[some])} | style for x, y, some, style in seen],
            }
        )  # fmt: skip
    return made


def _room(series: list[Any]) -> list[float]:
    """Return limits that hold every lane and its dots."""
    ends = []
    for s in series:
        values = np.concatenate([s["y"], *(dots["y"] for dots in s["dots"])])
        ends += [s["at"] + float(values.min()) - s["mean"], s["at"] + float(values.max()) - s["mean"]]
    margin = 0.04 * (max(ends) - min(ends))
    return [min(ends) - margin, max(ends) + margin]


def _mid_times(recording: Any) -> FloatArray:
    """Return the middle of each exposure, (T,) in s."""
    return np.asarray(recording.times_s) + recording.experiment.exposure_s / 2


def _weakened(e: ms.Experiment, words: str) -> str:
    rate_hz = float(words.split(" at ")[1].split(" Hz")[0])
    _, share = ms.measures.sampled_line(rate_hz, e.frame_rate_hz, e.exposure_s)
    return f"{words}, {percent(share)} of its amplitude left"


def _still(recording: Any) -> bool:
    return "motion" in recording.experiment.off or not np.any(recording.truth.motion_path_um)


def _rms(values: FloatArray) -> float:
    return float(np.sqrt(np.nanmean(np.square(values))))
