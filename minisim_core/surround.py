"""The cells beyond the drawn tissue, as a mean field."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .background import HORIZON_UM, layers_um, plane
from .canvas import Canvas
from .illumination import Beam
from .images import far_shares, near_shares
from .memory import Result, stage
from .scope import Lens
from .sectioning import Laser, layers_lit
from .tissue import CLEAR, Medium, fate

FloatArray = NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class Surround(Result):
    """Light of the cells beyond the drawn tissue, per bright molecule and µm³."""

    in_focus: NDArray[np.float32]  # nodes of FAR_LEVEL
    out_of_focus: NDArray[np.float32]


@stage
def surround(
    canvas: Canvas,
    half_width_um: float,
    depth_range_um: tuple[float, float],
    body_variance_um2: float,
    near_focus_um: float,
    lens: Lens,
    field_curvature_um: float,
    medium: Medium,
    beam: Beam,
    dimming: bool,
    horizon_um: float = HORIZON_UM,
    laser: Laser | None = None,
) -> Surround:
    """Light that cells beyond the drawn square send into the picture, as a mean field.

    Same density and depths as the cells that are drawn, out to the horizon; only scattered light
    reaches in. Which of them count as in focus is judged at the drawn square's edge.
    """
    coefficients = (medium if dimming else CLEAR).transport()
    layers, thickness = layers_um(*depth_range_um)
    light = fate(layers, coefficients)
    shine = layers_lit(layers, thickness, coefficients, laser) * thickness
    defocus = layers - (lens.focus_um - half_width_um**2 / (2 * field_curvature_um))
    variance = body_variance_um2 + lens.blur_um**2 + (defocus * lens.slope) ** 2 / 4
    near = near_shares(variance, light.narrow_radius_um, canvas.pixel_um) * light.narrow[:, None]
    near[:, 0] = 0
    far = far_shares(light.wide_radius_um, canvas.pixel_um) * light.wide[:, None]
    shares = (near + far) * shine[:, None]
    overlap = np.minimum(defocus + thickness / 2, near_focus_um) - np.maximum(
        defocus - thickness / 2, -near_focus_um
    )
    in_focus = np.clip(overlap / max(thickness, 1e-9), 0, 1)

    def beyond(weights: FloatArray) -> NDArray[np.float32]:
        outer = plane(canvas, weights, beam, horizon_um)
        inner = plane(canvas, weights, beam, min(half_width_um, horizon_um))
        return (outer - inner).astype(np.float32)

    return Surround(beyond(in_focus @ shares), beyond((1 - in_focus) @ shares))
