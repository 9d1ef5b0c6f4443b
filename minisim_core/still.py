"""From an Experiment to the stages that know no time: who is asked, with exactly which values."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from . import axial, background, cells, deformation, illumination, motion, sensor, surround, vessels
from .canvas import FAR_LEVEL, Canvas, Grid
from .experiment import WIDEST_FIELD_UM, Experiment
from .illumination import Beam, Separable
from .images import CellImages, body_variance_um2, cell_images
from .layers import LAYERS
from .once import cached_property
from .scope import Lens, OffAxis, collected_fraction, focal_surface_um
from .sectioning import Laser, rayleigh_um
from .tissue import CLEAR, Medium, surface_fluence

FloatArray = NDArray[np.floating]
Float32Array = NDArray[np.float32]

_GUARD_PX = 6  # beyond the longest shift: the width of the interpolation
_MARGIN_STEP_PX = 8  # the canvas grows in such steps: grids stay on their pixels, sliders redraw nothing
_APRON_STEP_UM = 50.0  # the drawn tissue grows in such steps, so that sliders seldom redraw it


class Still:
    """The stages of one experiment that know no time. Cheap to make; every result lives in the store."""

    def __init__(self, experiment: Experiment) -> None:
        self.experiment = experiment
        self.on = {*LAYERS} - {*experiment.off}

    # -- geometry -------------------------------------------------------------------------

    @cached_property
    def canvas(self) -> Canvas:
        """Field and motion margin; no switch changes it."""
        e = self.experiment
        bound = motion.bound_um(e.motion)
        seen = max(e.shape_px) * e.pixel_um / 2 + bound + _GUARD_PX * e.pixel_um
        bound += deformation.bound_um(e.motion, seen)
        margin = math.ceil((bound / e.pixel_um + _GUARD_PX) / _MARGIN_STEP_PX) * _MARGIN_STEP_PX
        return Canvas(*e.shape_px, margin, e.pixel_um)

    @cached_property
    def drawn_half_um(self) -> float:
        """Half the width of the square in which cells are drawn: canvas and widest core."""
        e, c, scope = self.experiment, self.experiment.cells, self.experiment.scope
        edge2 = 2 * self.canvas.half_um**2
        at_edge = focal_surface_um(edge2, e.focus_um, scope.field_curvature_um)
        defocus = max(abs(z - f) for z in c.depth_range_um for f in (e.focus_um, at_edge))
        defocus += axial.distance_um(e.motion)
        s = c.stained
        body = s.radius_um + 3 * s.radius_sd_um + 3 * scope.aberration_um
        # far out of focus, dendrites are too faint to see
        widest = max(defocus * self.lens.slope, s.dendrite_reach_um)
        reach = self.canvas.half_um / self.off_axis.scale + body + widest
        return math.ceil(reach / _APRON_STEP_UM) * _APRON_STEP_UM

    @property
    def sensor_origin_px(self) -> tuple[int, int]:
        """First row and column of the field on the sensor."""
        e = self.experiment
        height, width = e.shape_px
        return (e.sensor.height_px - height) // 2, (e.sensor.width_px - width) // 2

    @property
    def sensor_half_um(self) -> float:
        """Half of what the longer side of the whole sensor sees, as far as a field may reach."""
        e = self.experiment
        return min(max(e.sensor.height_px, e.sensor.width_px) * e.pixel_um, WIDEST_FIELD_UM) / 2

    @property
    def horizon_um(self) -> float:
        """How far from the axis tissue is seen."""
        return max(background.HORIZON_UM, self.sensor_half_um + background.BEYOND_UM)

    @cached_property
    def grid(self) -> Grid:
        """Offsets, rows and columns of the canvas's levels."""
        return self.canvas.grid

    # -- cells ----------------------------------------------------------------------------

    @cached_property
    def places(self) -> cells.Places:
        """Where the cells are."""
        e, c = self.experiment, self.experiment.cells
        if c.positions_um is not None:
            return cells.place_explicitly(c.positions_um)
        return cells.place(
            e.seed, c.density_per_mm3, c.depth_range_um, c.minimum_distance_um, self.drawn_half_um
        )

    @cached_property
    def bodies(self) -> cells.Bodies:
        """What the cells look like."""
        e, s = self.experiment, self.experiment.cells.stained
        return cells.grow(
            e.seed, self.places, s.radius_um, s.radius_sd_um, e.cells.elongation, s.dendrite_count,
            s.dendrite_length_um, s.dendrite_radius_um,
        )  # fmt: skip

    @cached_property
    def bright_molecules(self) -> FloatArray:
        """Bright molecules of each cell at rest."""
        e, c = self.experiment, self.experiment.cells
        return cells.express(
            e.seed, self.places, self.bodies, c.stained.nucleus_fraction, c.stained.nucleus_brightness,
            c.brightness_sd, c.concentration_micromolar, c.bright_fraction_at_rest,
        ).bright_molecules  # fmt: skip

    @cached_property
    def images(self) -> CellImages:
        """The cells' images, under the switches `blur` and `dimming`."""
        return self.images_with(blur="blur" in self.on, dimming="dimming" in self.on)

    def images_with(self, *, blur: bool, dimming: bool, focus_shift_um: float = 0.0) -> CellImages:
        """Return the cells' images with the lens and the tissue as asked."""
        c = self.experiment.cells.stained
        lens = self.lens._replace(focus_um=self.lens.focus_um + focus_shift_um)
        return cell_images(
            self.canvas, self.places, self.bodies, c.nucleus_fraction, c.nucleus_brightness,
            lens, self.off_axis, self.medium, blur, dimming,
        )  # fmt: skip

    @cached_property
    def near_focus(self) -> NDArray[np.bool_]:
        """Which cells lie near the focal surface."""
        near: NDArray[np.bool_] = np.abs(self.images.defocus_um) <= self.experiment.scope.near_focus_um
        return near

    @cached_property
    def electrons_per_molecule(self) -> float:
        """Photoelectrons per exposure of a bright molecule at the centre of a clear surface."""
        e, s = self.experiment, self.experiment.scope
        return (
            self._photons_per_s
            * collected_fraction(s.numerical_aperture, e.tissue.refractive_index)
            * s.transmission
            * e.sensor.quantum_efficiency
            * e.exposure_s
        )

    @property
    def _photons_per_s(self) -> float:
        """Photons a bright molecule emits per second at the beam's centre, just under the surface."""
        i = self.experiment.illumination
        emitted = illumination.excitations_per_s(i.led_mw, i.spot_area_mm2, i.wavelength_nm)
        return emitted * surface_fluence(self.medium.transport())

    @cached_property
    def rest_electrons(self) -> FloatArray:
        """Light of each cell at rest, before depth: photoelectrons per exposure."""
        light = self.electrons_per_molecule * self.bright_molecules
        if self.laser is not None:
            light = light * self.laser.lights_balls(self.images.defocus_um, self.bodies.radius_um)
        return light

    @cached_property
    def amplitudes(self) -> tuple[FloatArray, FloatArray]:
        """Each cell's near and far light at rest; switched-off cells have none."""
        near = self.rest_electrons
        if "out_of_focus" not in self.on:
            near = np.where(self.near_focus, near, 0)
        position = self.places.positions_um
        return near, near * self.beam.at(position[:, 1], position[:, 2])

    # -- tissue and light -----------------------------------------------------------------

    @property
    def medium(self) -> Medium:
        """The tissue's coefficients; a scanned laser needs no image, so scattered light counts as well."""
        return self.experiment.tissue.medium if self.laser is None else CLEAR

    @property
    def lens(self) -> Lens:
        """What blurs the background."""
        e = self.experiment
        return e.scope.lens(e.tissue.refractive_index, e.focus_um)

    @property
    def off_axis(self) -> OffAxis:
        """What a source meets away from the axis."""
        e = self.experiment
        return e.scope.off_axis(e.tissue.refractive_index, e.focus_um)

    @property
    def laser(self) -> Laser | None:
        """What lights the focal plane alone, if anything does."""
        e = self.experiment
        if e.illumination.excitation == "one-photon":
            return None
        return Laser(e.focus_um, rayleigh_um(e.scope.numerical_aperture, e.tissue.refractive_index))

    @property
    def beam(self) -> Beam:
        """The excitation profile; even when switched off."""
        return self._whole_beam if "illumination" in self.on else Beam(math.inf, 0.0, 0.0)

    @property
    def _whole_beam(self) -> Beam:
        """The excitation profile, whatever is switched off."""
        i = self.experiment.illumination
        return Beam(i.width_um, i.offset_y_um, i.offset_x_um)

    @cached_property
    def inverse_beam(self) -> Float32Array:
        """One over the beam on the nodes of FAR_LEVEL."""
        y, x = self.canvas.nodes_um(FAR_LEVEL)
        return (1 / np.maximum(self.beam.at(y[:, None], x[None, :]), 1e-6)).astype(np.float32)

    @cached_property
    def static_fields(self) -> illumination.StaticFields:
        """Excitation, vignetting and stray light, as switched."""
        i = self.experiment.illumination
        return illumination.static_fields(
            self.canvas,
            self.beam,
            i.vignetting_per_mm2 if "vignetting" in self.on else 0.0,
            i.stray_light_e_per_mw_s if "stray_light" in self.on else 0.0,
            i.stray_width_um,
        )

    @cached_property
    def shade(self) -> Separable:
        """What multiplies the moved tissue, per pixel."""
        return self.static_fields.excitation.times(self.static_fields.vignetting)

    @cached_property
    def stray(self) -> Separable:
        """Stray photoelectrons per exposure."""
        e = self.experiment
        return self.static_fields.glow.times(e.illumination.led_mw * e.exposure_s)

    # -- background -----------------------------------------------------------------------

    def _molecules_per_um2(self, volume_um3: float) -> float:
        """Bright molecules of all resting cells, per area, of which each lights up that volume."""
        c = self.experiment.cells
        low, high = c.depth_range_um
        each = cells.molecules(c.concentration_micromolar, volume_um3) * c.bright_fraction_at_rest
        return c.density_per_mm3 * 1e-9 * (high - low) * float(each)

    @property
    def patches(self) -> background.Patches:
        """The places of the haze that shift by themselves."""
        return background.patches(self.canvas, self.experiment.neuropil.patch_um)

    @property
    def grain(self) -> background.Texture:
        """The neuropil's unevenness, over more than the whole sensor sees."""
        e, n = self.experiment, self.experiment.neuropil
        reach = math.ceil(self.sensor_half_um / 100) * 100.0 + 200
        return background.texture(e.seed, n.texture, n.texture_size_um, n.depth_um, reach)

    @cached_property
    def haze(self) -> tuple[background.Haze, background.Haze]:
        """The neuropil's near and far light; none when it is switched off."""
        e, n = self.experiment, self.experiment.neuropil
        if "neuropil" not in self.on:
            return background.NO_HAZE, background.NO_HAZE
        near = background.near_haze(
            self.canvas, self.grain, self.patches, n.depth_um, n.patch_um, self.lens,
            e.scope.field_curvature_um, self.medium, self.laser,
        )  # fmt: skip
        far = background.far_haze(
            self.canvas, self.patches, n.depth_um, n.patch_um, self.medium, self.beam, self.horizon_um,
            self.laser,
        )  # fmt: skip
        return near, far

    @cached_property
    def haze_arrays(self) -> tuple[int, background.HazeArrays, background.HazeArrays]:
        """The neuropil's level, near and far light as the kernels take them."""
        near, far = self.haze
        return background.neuropil_level(self.canvas.pixel_um), near.arrays, far.arrays

    @cached_property
    def haze_electrons(self) -> float:
        """Photoelectrons per pixel of the neuropil, before depth."""
        area = (self.canvas.pixel_um / self.off_axis.scale) ** 2
        ratio = self.experiment.neuropil.ratio
        somata = self._molecules_per_um2(self.experiment.cells.stained.soma_volume_um3)
        return self.electrons_per_molecule * ratio * somata * area

    @cached_property
    def beyond(self) -> Float32Array:
        """Resting light of the cells beyond the drawn square, on the nodes of FAR_LEVEL."""
        e, c = self.experiment, self.experiment.cells
        if c.positions_um is not None:
            return np.zeros(self.canvas.level_shape(FAR_LEVEL), dtype=np.float32)
        low, high = c.depth_range_um
        s = c.stained
        variance = float(
            body_variance_um2(np.array(s.radius_um), np.array(1.0), s.nucleus_fraction, s.nucleus_brightness)
        )
        around = surround.surround(
            self.canvas, self.drawn_half_um, (low, max(high, low + 1)), variance,
            e.scope.near_focus_um, self.lens, e.scope.field_curvature_um, self.medium, self.beam,
            "dimming" in self.on, self.horizon_um, self.laser,
        )  # fmt: skip
        light = around.in_focus
        if "out_of_focus" in self.on:
            light = light + around.out_of_focus
        volume = s.soma_volume_um3 + s.dendrite_volume_um3
        per_um3 = self._molecules_per_um2(volume) / max(high - low, 1e-9)
        area = (self.canvas.pixel_um / self.off_axis.scale) ** 2
        return light * np.float32(self.electrons_per_molecule * per_um3 * area)

    @cached_property
    def tree(self) -> vessels.Tree:
        """The vessels."""
        v = self.experiment.vessels
        trunk_half_um = max(vessels.TRUNK_HALF_UM, 1.4 * self.sensor_half_um + 200)  # out of the corners
        return vessels.grow(self.experiment.seed, v.count, v.radius_um, trunk_half_um)

    @cached_property
    def imaged_tree(self) -> vessels.Tree:
        """The vessels where the scope images them."""
        return vessels.imaged(self.tree, self.off_axis.scale, self.off_axis.distortion_per_mm2)

    @cached_property
    def shadow(self) -> vessels.Shadow:
        """The vessels' shadow; none when they are switched off."""
        e, v = self.experiment, self.experiment.vessels
        if "vessels" not in self.on or v.count == 0:
            return vessels.NO_SHADOW
        below = background.share_below(v.depth_um, e.neuropil.depth_um, self.medium, self.laser)
        return vessels.shadow(
            self.canvas, self.imaged_tree, v.depth_um, v.haemoglobin_g_per_l, v.oxygenation, e.focus_um,
            e.scope.numerical_aperture, e.tissue.refractive_index, below,
        )  # fmt: skip

    @cached_property
    def shadow_arrays(self) -> tuple[Float32Array, Float32Array, Float32Array]:
        """The shadow's parabola as the kernels take it."""
        return self.shadow.constant, self.shadow.linear, self.shadow.quadratic

    # -- camera ---------------------------------------------------------------------------

    @cached_property
    def pattern(self) -> sensor.Pattern:
        """The sensor's fixed pattern."""
        e, s = self.experiment, self.experiment.sensor
        return sensor.pattern(
            e.seed, *self.sensor_origin_px, e.shape_px, s.gain_pattern, s.offset_pattern,
            s.column_pattern, self.converter.black_counts, self.converter.counts_per_10_bit,
        )  # fmt: skip

    def pixels(self, frame: int) -> sensor.Pattern:
        """Return the fixed pattern with the artefacts of one frame."""
        e, row, scale = self.experiment, self.sensor_origin_px[0], self.converter.counts_per_10_bit
        read_out_s = frame / e.frame_rate_hz + e.exposure_s
        return sensor.disturbed(self.pattern, e.sensor, e.seed, row, read_out_s, scale)

    @cached_property
    def arrivals(self) -> sensor.Arrivals:
        """Which exposures became frames of the recording."""
        e = self.experiment
        return sensor.Arrivals(e.seed, e.frame_count, e.sensor.dropped_fraction)

    @property
    def camera(self) -> tuple[float, float, float, float, int, int]:
        """The camera as the kernels take it."""
        e, s, convert = self.experiment, self.experiment.sensor, self.converter
        return (
            s.dark_current_e_per_s * e.exposure_s, s.read_noise_e, s.full_well_e,
            convert.counts_per_e, convert.largest, convert.dropped_bits,
        )  # fmt: skip

    @cached_property
    def converter(self) -> sensor.Converter:
        """How electrons become counts."""
        s = self.experiment.sensor
        return sensor.converter(s.gain, s.bit_depth, s.full_well_e, s.black_level)
