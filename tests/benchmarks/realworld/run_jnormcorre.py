"""Register a movie with jnormcorre, in its own environment.

Rigid, on frames high-passed as its documentation asks for one-photon data. It finds no cells.

``run_jnormcorre.py movie.npy estimate.npz pixel_um frame_rate_hz``
"""

import sys

import numpy as np
from jnormcorre.motion_correction import MotionCorrect

CELL_RADIUS_UM = 6.0


def main() -> None:
    """Register and write the shifts."""
    movie = np.load(sys.argv[1]).astype(np.float32)
    radius_px = round(CELL_RADIUS_UM / float(sys.argv[3]))
    mover = MotionCorrect(
        movie, max_shifts=(15, 15), frames_per_split=200, niter_rig=3, gSig_filt=[radius_px], pw_rigid=False
    )
    mover.motion_correct(save_movie=False)
    corrections = np.array([np.asarray(shift)[:2] for shift in mover.shifts_rig], dtype=float)
    np.savez(sys.argv[2], A=np.zeros((0, *movie.shape[1:])), shifts_px=-corrections)


if __name__ == "__main__":
    main()
