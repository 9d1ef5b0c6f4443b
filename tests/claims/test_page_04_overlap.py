"""Page 4, cross-talk: claim C11, on what the engine renders."""

import numpy as np

import minisim_core as ms
from lone_cells import image_of, lone_cells

DEPTHS_UM = (90, 110, 130, 160, 200)
DISTANCES_UM = (15, 20, 30, 45)
FOCUS_UM = 90


def pair(depth_um, distance_um, focus_um=FOCUS_UM):
    """Two cells side by side."""
    half = distance_um / 2
    return lone_cells((depth_um, 0, -half), (depth_um, 0, half), focus_um=focus_um)


def overlap(footprints):
    """Cosine of two cells' images: 0 apart, 1 alike."""
    images = footprints.csc().toarray().astype(float)
    return images[:, 0] @ images[:, 1] / np.prod(np.linalg.norm(images, axis=0))


def test_c11_two_cells_distinct_in_truth_overlap_as_recorded():
    """Cells that touch nowhere are pictures that do: more when deeper, less when farther apart."""
    truths = [[ms.simulate(pair(z, d)).truth for z in DEPTHS_UM] for d in DISTANCES_UM]
    assert all(overlap(truth.footprints_sharp) == 0 for row in truths for truth in row)
    seen = np.array([[overlap(truth.footprints) for truth in row] for row in truths])
    assert (np.diff(seen, axis=1) > 0).all(), "deeper"
    assert (np.diff(seen, axis=0) < 0).all(), "farther apart"
    assert seen[1, 0] < 0.15 and seen[1, -1] > 0.8, "20 µm apart"


def test_c11_refocusing_does_not_part_deep_cells():
    """Even with the focus on them, deeper cells overlap more: tissue alone spreads their light."""
    seen = [overlap(ms.simulate(pair(z, 20, focus_um=z)).truth.footprints) for z in DEPTHS_UM]
    assert (np.diff(seen) > 0).all()
    assert seen[-1] > 3 * seen[0]


def test_c11_a_pixel_over_one_cell_reads_the_other():
    """Of both cells' light on the pixel over one of them, the other owns more the deeper they lie."""
    shares = []
    for depth in DEPTHS_UM:
        recording = ms.simulate(pair(depth, 20))
        pixel = tuple(np.rint(recording.truth.centroids_px[0]).astype(int).tolist())
        parts = recording.explain(pixel)
        shares.append(parts["cell:1"][0] / (parts["cell:0"][0] + parts["cell:1"][0]))
    assert (np.diff(shares) > 0).all()
    assert shares[0] < 0.05 and shares[-1] > 0.4


def test_c11_two_spots_merge_into_one():
    """In focus two cells 15 µm apart are two spots with a gap; deep below it they are one."""
    gaps = []
    for depth in (90, 200):
        image = image_of(pair(depth, 15))
        line = image[image.shape[0] // 2]
        middle = len(line) // 2
        gaps.append(line[middle - 1 : middle + 1].max() / line.max())
    assert gaps[0] < 0.6 and gaps[1] > 0.98
