"""Page 2, depth and focus: claims C03 to C06, on what the engine renders."""

import math

import numpy as np
import pytest

import minisim_core as ms
from lone_cells import CLEAR, TINY, image_of, light_within, lone_cells, spread_um2, width_um

FOCUS_UM = 150.0
INDEX = 1.36
TISSUES = {
    "slice": {"scattering_per_mm": 21.1, "anisotropy": 0.86, "absorption_per_mm": 0.06},
    "cortex": {"scattering_per_mm": 10, "anisotropy": 0.89, "absorption_per_mm": 0.26},
}


@pytest.mark.parametrize("numerical_aperture", [0.2, 0.33, 0.5])
def test_c03_distance_from_the_focal_plane_sets_the_blur(numerical_aperture):
    """A cell off the plane is blurred over a disc that grows in proportion to its distance."""
    slope = math.tan(math.asin(numerical_aperture / INDEX))

    def spread(defocus_um):
        cell = lone_cells(
            (FOCUS_UM + defocus_um, 5, -3), like=TINY, focus_um=FOCUS_UM, tissue=CLEAR,
            scope={"numerical_aperture": numerical_aperture},
        )  # fmt: skip
        return spread_um2(image_of(cell), cell.pixel_um)

    in_focus = spread(0)
    for defocus in (-120, -60, -25, -10, 5, 15, 40, 80, 120):
        expected = in_focus + (defocus * slope) ** 2 / 4
        np.testing.assert_allclose(spread(defocus), expected, rtol=0.02)


def light_of_a_point_in_focus(tissue, depth_um, radius_um):
    """Light near the image, excitation divided out, over what starts into the lens's cone."""
    cell = lone_cells((depth_um, 0, 0), like=TINY, focus_um=depth_um, tissue=tissue)
    cone = image_of(cell.with_(off=(*cell.off, "dimming"))).sum()
    return light_within(cell, radius_um) / cone / float(ms.optics.excitation(cell, depth_um))


@pytest.mark.parametrize(("name", "low_um", "high_um"), [("slice", 61, 66), ("cortex", 125, 134)])
def test_c04_the_light_that_makes_an_image_dims_with_depth(name, low_um, high_um):
    """What still lands within 10 µm of a point's image falls by 1/e in a scattering tissue's length."""
    shallow, deep = (light_of_a_point_in_focus(TISSUES[name], depth, 10) for depth in (50, 150))
    assert 0.85 * low_um < 100 / math.log(shallow / deep) < 1.15 * high_um


@pytest.mark.parametrize("name", TISSUES)
def test_c04_what_leaves_the_core_is_found_again_as_haze(name):
    """Core, narrow and wide light together hardly change with depth while the core falls."""
    experiment = lone_cells(tissue=TISSUES[name])
    points = [ms.optics.point_response(experiment.with_(focus_um=z), z) for z in (50, 150)]
    core, everything = ([f(p) for p in points] for f in (lambda p: p.within(10), lambda p: p.collected))
    assert core[1] < 0.7 * core[0]
    assert everything[1] == pytest.approx(everything[0], rel=0.03)
    np.testing.assert_allclose(everything, ms.optics.collected(experiment, [50, 150]), rtol=1e-3)
    # And a recording holds what a field of 400 µm shows of it: more than ever started into the cone.
    assert light_of_a_point_in_focus(TISSUES[name], 150, 1e4) > 1


@pytest.mark.filterwarnings("ignore::minisim_core.ModelRangeWarning")
@pytest.mark.parametrize("name", TISSUES)
def test_c04_only_absorbed_light_is_gone(name):
    """Where nothing is absorbed every ray gets out, and the lens collects 4n² cones' worth, deep or not."""
    depths = [0, 50, 100, 150, 200]
    unabsorbed = lone_cells(tissue=TISSUES[name] | {"absorption_per_mm": 0})
    np.testing.assert_allclose(ms.optics.collected(unabsorbed, depths), 4 * INDEX**2, rtol=0.05)
    gone = 1 - ms.optics.collected(lone_cells(tissue=TISSUES[name]), depths) / (4 * INDEX**2)
    assert (gone > 0.3).all() and (np.diff(gone) > 0).all()


def test_c05_a_deep_cell_is_blurrier_and_far_fainter():
    """The same cell, in focus and 100 µm deeper: several times as wide, and a few per cent as bright."""
    near, deep = (lone_cells((depth, 0, 0), focus_um=90) for depth in (90, 190))
    assert image_of(deep).max() < 0.05 * image_of(near).max()
    # Brightened, so that its shape can be seen, it is a disc where the other is a cell.
    widths = [width_um(image_of(cell), cell.pixel_um) for cell in (near, deep)]
    assert widths[0] == pytest.approx(12, abs=1.5)
    assert widths[1] > 3 * widths[0]


def test_c05_of_two_cells_equally_out_of_focus_the_deeper_is_dimmer():
    """Blur does not tell above from below; the tissue in between does."""
    above, below = (lone_cells((90 + defocus, 0, 0), focus_um=90) for defocus in (-40, 40))
    assert image_of(below).max() < 0.5 * image_of(above).max()
    assert light_within(below, 10) < 0.5 * light_within(above, 10)
    clear = [image_of(cell.with_(tissue=CLEAR)) for cell in (above, below)]
    np.testing.assert_allclose(clear[1], clear[0], atol=1e-3 * clear[0].max())


@pytest.mark.parametrize("radius_um", [0, 150, 300, 450, 600])
def test_c06_the_focal_surface_is_a_shallow_bowl(radius_um):
    """Best focus lies r²/2R nearer to the lens at a distance r from the axis."""
    side = radius_um / math.sqrt(2)
    cell = lone_cells((90, side, side), like=TINY, tissue=CLEAR, field_um=None)
    lift = radius_um**2 / (2 * cell.scope.field_curvature_um)
    focus = 90 + lift + np.array([-30.0, -15, 0, 15, 30])
    blur = [spread_um2(image_of(cell.with_(focus_um=f)), cell.pixel_um).sum() for f in focus]
    a, b, _ = np.polyfit(focus - 90, blur, 2)
    assert -b / (2 * a) == pytest.approx(lift, abs=0.5)
    truth = ms.simulate(cell).truth
    row, column = np.rint(truth.centroids_px[0]).astype(int)
    assert truth.focal_surface_um[row, column] == pytest.approx(90 - lift, abs=0.5)


def test_c06_corner_cells_go_soft_at_the_right_depth():
    """Focused on the depth of two cells, one is sharp on the axis and the other is not in the corner."""
    center, corner = (lone_cells((90, at, at), focus_um=90, field_um=None) for at in (0, 430))
    assert image_of(corner).max() < 0.2 * image_of(center).max()
    assert width_um(image_of(corner), corner.pixel_um) > 2.5 * width_um(image_of(center), center.pixel_um)
