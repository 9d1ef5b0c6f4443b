"""Analyse a movie with suite2p, in its own environment.

Its defaults, but for what it must be told of a recording (diameter of cells in pixels, frame rate, decay
of the indicator), no GPU, rigid registration, and the wider smoothing its settings advise for one-photon
data. Only what it classifies as cells counts.

``run_suite2p.py movie.npy estimate.npz pixel_um frame_rate_hz``
"""

import sys
import tempfile
from types import ModuleType
from unittest.mock import MagicMock

import numpy as np
import torch

# suite2p imports cellpose for a picture it shows, and cellpose torchvision, of which there is no build for
# this torch without gigabytes of CUDA. Nothing of it is called here.
for name in ("torchvision", "torchvision.transforms"):
    sys.modules[name] = ModuleType(name)
sys.modules["torchvision.transforms"].functional = MagicMock()
sys.modules["torchvision.transforms"]._functional_tensor = MagicMock()

from suite2p import default_settings, pipeline  # noqa: E402

CELL_DIAMETER_UM, DECAY_S = 12.0, 0.7


def main() -> None:
    """Analyse and write cells, traces, spikes and shifts."""
    movie = np.load(sys.argv[1]).astype(np.int16)
    pixel_um, rate_hz = float(sys.argv[3]), float(sys.argv[4])
    settings = default_settings()
    settings |= {"fs": rate_hz, "tau": DECAY_S, "diameter": [CELL_DIAMETER_UM / pixel_um] * 2}
    settings["registration"] |= {"nonrigid": False, "smooth_sigma": 4.0, "spatial_taper": 15.0}
    with tempfile.TemporaryDirectory() as folder:
        registration, _, stat, F, Fneu, _, _, spikes, is_cell, *_ = pipeline(
            folder, movie, settings=settings, device=torch.device("cpu")
        )
    kept = is_cell[:, 0].astype(bool) if len(stat) else np.zeros(0, dtype=bool)
    A = np.zeros((int(kept.sum()), *movie.shape[1:]), dtype=np.float32)
    for footprint, cell in zip(A, np.flatnonzero(kept), strict=True):
        footprint[stat[cell]["ypix"], stat[cell]["xpix"]] = stat[cell]["lam"]
    courses = {} if F is None else {"C": (F - 0.7 * Fneu)[kept], "spikes": spikes[kept]}
    shifts = np.stack([registration["yoff"], registration["xoff"]], axis=1).astype(float)
    np.savez(sys.argv[2], A=A, shifts_px=shifts, **courses)


if __name__ == "__main__":
    main()
