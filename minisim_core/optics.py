"""What the optics of an experiment do to light, asked directly: no scene, no frames."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .canvas import Canvas
from .cells import grow, place_explicitly
from .images import CellImages, cell_images, picture
from .kernels.pyramid import PAD
from .parameters import ParameterError
from .scope import Lens, OffAxis
from .sectioning import rayleigh_um
from .tissue import CLEAR, Medium, fate, fluence

if TYPE_CHECKING:
    from .experiment import Experiment

FloatArray = NDArray[np.floating]

_POINT_PX = 0.25  # radius of the ball that stands for a point
_DEEPEST_UM = 600.0


# -- a point of light -----------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class PointResponse:
    """The image of a point source, in units of the light it sends into the cone of the lens.

    Attributes
    ----------
    image : (H, W) float64, read-only
        The picture on the experiment's pixels; a clear tissue and a perfect lens give sum 1.
    pixel_um : float
        Width of a pixel in the object, at nominal focus.
    center_px : (float, float)
        Row and column of the ideal image.
    collected : float
        All light, also what falls beyond the picture: C(z), in cones.
    """

    image: FloatArray
    pixel_um: float
    center_px: tuple[float, float]
    collected: float
    _distance_um: FloatArray
    _light: FloatArray

    def within(self, radius_um: FloatArray | float) -> FloatArray:
        """Light within a radius of the ideal image, also beyond the picture's edges.

        Parameters
        ----------
        radius_um : float64, any shape

        Returns
        -------
        float64, the same shape
            In units of the light sent into the cone, as `collected`.
        """
        return np.asarray(np.interp(radius_um, self._distance_um, self._light))

    def radius_um(self, share: float) -> float:
        """Radius that holds a share of the collected light.

        Parameters
        ----------
        share : float
            Between 0 and 1.

        Returns
        -------
        float
            In µm.

        Raises
        ------
        ParameterError
            If the share is not between 0 and 1.
        """
        if not 0 < share < 1:
            raise ParameterError(f"share = {share:g} is refused: it must lie between 0 and 1")
        return float(self._distance_um[np.argmax(self._light >= share * self.collected)])


def point_response(
    experiment: Experiment, depth_um: float, *, y_um: float = 0.0, x_um: float = 0.0
) -> PointResponse:
    """Image a point source through the scope and the tissue, as every cell is imaged.

    A tiny ball goes through the stage that draws the cells, lens blur, defocus, distortion and
    scattered light included; only the excitation is left out (see `excitation`). The switches
    `blur` and `dimming` of the experiment are respected.

    Parameters
    ----------
    experiment : Experiment
    depth_um : float
        Depth of the source, 0 to 600 µm; focus stays at `experiment.focus_um`.
    y_um, x_um : float
        Where the source lies; (0, 0) is the optical axis.

    Returns
    -------
    PointResponse

    Raises
    ------
    ParameterError
        If the source is too deep or its image lies outside the field.
    """
    depths = _depths(depth_um)
    pixel = experiment.pixel_um
    lens, off_axis = _seen_through(experiment)
    reach = float(np.abs(depths - lens.focus_um)[0]) * lens.slope + 4 * experiment.scope.aberration_um
    margin = math.ceil((2 * reach + 50) / pixel)
    canvas = Canvas(*experiment.shape_px, margin, pixel)
    images = _ball(
        canvas, (float(depth_um), float(y_um), float(x_um)), _POINT_PX * pixel, lens, off_axis,
        experiment.tissue.medium, "blur" not in experiment.off, "dimming" not in experiment.off,
    )  # fmt: skip
    row, column = (float(v) - margin for v in images.center_px[0])
    height, width = experiment.shape_px
    if not (-0.5 <= row < height - 0.5 and -0.5 <= column < width - 0.5):
        raise ParameterError(
            f"y_um, x_um = {y_um:g}, {x_um:g} is refused: its image lies outside the field, "
            f"which is {height * pixel:.4g} µm high and {width * pixel:.4g} µm wide"
        )
    lit = float(fluence(depths, _medium(experiment).transport())[0])
    whole = picture(canvas, images, np.ones(1), np.ones(1))
    image = whole[margin : margin + height, margin : margin + width] / np.float64(lit)
    distance, light = _encircled(canvas, images)
    for array in (image, distance, light):
        array.setflags(write=False)
    return PointResponse(image, pixel, (row, column), float(light[-1]) / lit, distance, light / lit)


def _ball(
    canvas: Canvas,
    at_um: tuple[float, float, float],
    radius_um: float,
    lens: Lens,
    off_axis: OffAxis,
    medium: Medium,
    blur: bool,
    dimming: bool,
) -> CellImages:
    places = place_explicitly((at_um,))
    body = grow(0, places, radius_um, 0.0, 0.0)
    return cell_images(canvas, places, body, 0.0, 1.0, lens, off_axis, medium, blur, dimming)


def _encircled(canvas: Canvas, images: CellImages) -> tuple[FloatArray, FloatArray]:
    """Light within growing distances of one cell's centre, all levels sampled finely."""
    distances, lights = zip(*_samples(canvas, images), strict=True)
    distance = np.concatenate([[0.0], *distances])
    order = np.argsort(distance, kind="stable")
    light = np.concatenate([[0.0], *lights])[order]
    return distance[order], np.cumsum(light)


def _samples(canvas: Canvas, images: CellImages) -> Iterator[tuple[FloatArray, FloatArray]]:
    """Distances from the centre, and light, of fine samples of everything a cell has on a level."""
    from scipy.ndimage import spline_filter

    center, pixel = images.center_px[0], canvas.pixel_um
    level, rows, columns = images.level[0], images.rows[0], images.columns[0]
    core, corner = images.values[: rows * columns].reshape(rows, columns), (images.top[0], images.left[0])
    if level == 0:  # pixels become a spline through them
        core, corner = spline_filter(np.pad(core, 8), mode="constant"), (corner[0] - 8, corner[1] - 8)
    yield _sampled(core, corner, int(level), 8, center, pixel)
    weights = images.near[0].astype(float) + images.far[0]
    for level in np.flatnonzero(weights):
        splat = weights[level] * np.outer(images.along_y[0, level], images.along_x[0, level])
        at = images.base[0, level] - canvas.level_offsets[level]
        yield _sampled(splat, divmod(at, canvas.level_columns[level]), int(level), 32, center, pixel)


def _sampled(
    nodes: FloatArray, corner: tuple[int, int], level: int, fine: int, center_px: FloatArray, pixel_um: float
) -> tuple[FloatArray, FloatArray]:
    """Sample one patch of spline coefficients `fine` times per node and axis."""
    axes, bases = [], []
    for first, count, center in zip(corner, nodes.shape, center_px, strict=True):
        at = (np.arange((count + 3) * fine) + 0.5) / fine - 2
        away = np.abs(at[:, None] - np.arange(count))
        bases.append(np.where(away < 1, 2 / 3 - away**2 + away**3 / 2, np.maximum(2 - away, 0) ** 3 / 6))
        axes.append(((first - (PAD if level else 0) + at) * 2.0**level - center) * pixel_um)
    light = bases[0] @ nodes.astype(float) @ bases[1].T * (2.0**level / fine) ** 2
    return np.hypot(axes[0][:, None], axes[1][None, :]).ravel(), light.ravel()


# -- single numbers -------------------------------------------------------------------------


def collected(experiment: Experiment, depth_um: FloatArray | float) -> FloatArray:
    """Light the lens collects from a source, over what starts into its cone: C(z).

    Ballistic, narrowly and widely scattered light together; nearly independent of depth, since
    tissue turns light into the cone that had not started towards it (photon Monte Carlo; Waters
    2020 finds the same of total collection). 1 in clear tissue or with `dimming` switched off.

    Parameters
    ----------
    experiment : Experiment
    depth_um : float64, any shape
        Depth of the source, 0 to 600 µm.

    Returns
    -------
    float64, the same shape
    """
    light = fate(_depths(depth_um), _medium(experiment).transport())
    return (light.ballistic + light.narrow + light.wide).reshape(np.shape(depth_um))


def excitation(experiment: Experiment, depth_um: FloatArray | float) -> FloatArray:
    """Excitation at depth over that just under the surface, in the middle of the lit disc.

    It rises by up to 5 % before it falls (photon Monte Carlo, 1 mm disc; Waters 2020). 1 in clear
    tissue or with `dimming` switched off.

    Parameters
    ----------
    experiment : Experiment
    depth_um : float64, any shape
        0 to 600 µm.

    Returns
    -------
    float64, the same shape
    """
    return fluence(_depths(depth_um), _medium(experiment).transport()).reshape(np.shape(depth_um))


def light_against_defocus(experiment: Experiment, defocus_um: FloatArray) -> FloatArray:
    """Light that a small cell sends to the whole picture, at each distance from the focus.

    The scope of `experiment` in clear tissue, evenly lit: whatever is lost, the lens lost it.

    Parameters
    ----------
    experiment : Experiment
    defocus_um : (K,) float64
        Distances from the focal plane; the blurred cell must fit the field.

    Returns
    -------
    (K,) float64
        Summed image over the light sent into the cone; 1 means nothing is lost.
    """
    lens, off_axis = _seen_through(experiment)
    canvas = Canvas(*experiment.shape_px, 0, experiment.pixel_um)
    total = np.empty(len(defocus_um))
    for k, distance in enumerate(defocus_um):
        at = (lens.focus_um + float(distance), 0.0, 0.0)
        images = _ball(canvas, at, 2.0, lens, off_axis, CLEAR, True, True)
        total[k] = picture(canvas, images, np.ones(1), np.zeros(1)).sum(dtype=float)
    return total


def two_photon_reference(
    defocus_um: FloatArray,
    numerical_aperture: float,
    refractive_index: float = 1.33,
    wavelength_nm: float = 920,
) -> FloatArray:
    """Scan-summed two-photon signal of a small source, 1 in focus.

    Excitation goes with the squared intensity of the focused beam; summed over a scan that leaves
    1 / (1 + (Δz/z_R)²), with the Rayleigh range z_R = n λ / (π NA²) of a Gaussian beam. Derived.

    Parameters
    ----------
    defocus_um : float64, any shape
        Distance of the source from the focal plane.
    numerical_aperture, refractive_index : float
    wavelength_nm : float

    Returns
    -------
    float64, of the same shape
    """
    length_um = rayleigh_um(numerical_aperture, refractive_index, wavelength_nm)
    return 1 / (1 + (np.asarray(defocus_um, dtype=float) / length_um) ** 2)


# -- the electronic lens --------------------------------------------------------------------


def focus_from_ewl(experiment: Experiment, steps: int) -> float:
    """Depth in focus at a step of the electronic lens (EWL).

    Step 0 is `scope.nominal_focus_um`; a step moves the focus `scope.ewl_um_per_step` in air and
    farther in tissue, by its refractive index.

    Parameters
    ----------
    experiment : Experiment
    steps : int
        Within `scope.ewl_steps` to either side; on the V4 up is shallower.

    Returns
    -------
    float
        In µm, for `experiment.with_(focus_um=...)`.

    Raises
    ------
    ParameterError
        If the scope has no electronic lens, or it has no such step.
    """
    per_step = _tissue_um_per_step(experiment)
    most = experiment.scope.ewl_steps
    if abs(steps) > most:
        raise ParameterError(f"steps = {steps} is refused: the electronic lens goes from -{most} to {most}")
    return experiment.scope.nominal_focus_um + per_step * steps


def ewl_from_focus(experiment: Experiment, focus_um: float | None = None) -> int:
    """Step of the electronic lens that comes closest to a focus.

    Parameters
    ----------
    experiment : Experiment
    focus_um : float, optional
        Depth in focus; the experiment's own by default.

    Returns
    -------
    int

    Raises
    ------
    ParameterError
        If the scope has no electronic lens, or it cannot focus there.
    """
    per_step = _tissue_um_per_step(experiment)
    scope = experiment.scope
    depth = experiment.focus_um if focus_um is None else focus_um
    steps = round((depth - scope.nominal_focus_um) / per_step)
    if abs(steps) > scope.ewl_steps:
        reach = abs(per_step) * scope.ewl_steps
        raise ParameterError(
            f"focus_um = {depth:g} is out of the electronic lens's reach: from "
            f"{scope.nominal_focus_um - reach:.4g} to {scope.nominal_focus_um + reach:.4g} µm"
        )
    return steps


def ewl_limits(experiment: Experiment) -> tuple[int, int]:
    """First and last step of the electronic lens whose focus is a valid `focus_um`.

    Parameters
    ----------
    experiment : Experiment

    Returns
    -------
    (int, int)
        The limits of a slider in steps.

    Raises
    ------
    ParameterError
        If the scope has no electronic lens.
    """
    per_step, most = _tissue_um_per_step(experiment), experiment.scope.ewl_steps
    about = type(experiment).model_fields["focus_um"].metadata
    low, high = (getattr(m, side) for m, side in zip(about, ("ge", "le"), strict=True))
    ends = sorted((edge - experiment.scope.nominal_focus_um) / per_step for edge in (low, high))
    return max(math.ceil(ends[0]), -most), min(math.floor(ends[1]), most)


def _tissue_um_per_step(experiment: Experiment) -> float:
    scope = experiment.scope
    if scope.ewl_um_per_step == 0:
        raise ParameterError(
            f"scope.ewl_um_per_step = 0: {scope.model_name} has no electronic lens; set focus_um instead"
        )
    return scope.ewl_um_per_step * experiment.tissue.refractive_index


# -- what the experiment says ---------------------------------------------------------------


def _seen_through(experiment: Experiment) -> tuple[Lens, OffAxis]:
    values = experiment.tissue.refractive_index, experiment.focus_um
    return experiment.scope.lens(*values), experiment.scope.off_axis(*values)


def _medium(experiment: Experiment) -> Medium:
    return CLEAR if "dimming" in experiment.off else experiment.tissue.medium


def _depths(depth_um: FloatArray | float) -> FloatArray:
    depths = np.atleast_1d(np.asarray(depth_um, dtype=float))
    if not ((depths >= 0) & (depths <= _DEEPEST_UM)).all():
        raise ParameterError(f"depth_um = {depth_um} is refused: depths lie between 0 and {_DEEPEST_UM:g} µm")
    return depths
