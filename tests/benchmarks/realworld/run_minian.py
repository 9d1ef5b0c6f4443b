"""Analyse a movie with minian 2, in its own environment.

The steps of its pipeline notebooks with their parameters. One process, threads.

``run_minian.py movie.npy estimate.npz pixel_um frame_rate_hz``
"""

import os
import sys
import tempfile
import warnings

import numpy as np
import xarray as xr

CHUNK = 600


def analyse(movie: np.ndarray) -> dict[str, np.ndarray]:
    """Preprocess, register, seed, and update footprints and traces twice."""
    from minian import cnmf, initialization, motion_correction, preprocessing, utilities

    axes = dict(zip(("frame", "height", "width"), (np.arange(n) for n in movie.shape), strict=True))
    raw = xr.DataArray(movie, dims=tuple(axes), coords=axes, name="movie")
    chunk, _ = utilities.get_optimal_chk(raw, dtype=float)
    in_time = {"frame": chunk["frame"], "height": -1, "width": -1}
    in_space = {"frame": -1, "height": chunk["height"], "width": chunk["width"]}
    raw = raw.chunk(in_time)

    clean = preprocessing.denoise(raw - raw.min("frame"), method="median", ksize=7)
    clean = preprocessing.remove_background(clean, method="tophat", wnd=15).persist()
    corrections = motion_correction.estimate_motion(clean, dim="frame").persist()
    still = motion_correction.apply_transform(clean, corrections, fill=0).astype(float)
    frames, pixels = still.chunk(in_time).persist(), still.chunk(in_space).persist()
    brightest = frames.max("frame").compute()

    seeds = initialization.seeds_init(
        frames, wnd_size=1000, method="rolling", stp_size=500, max_wnd=15, diff_thres=3
    )
    seeds, _, _ = initialization.pnr_refine(pixels, seeds, noise_freq=0.06, thres=1)
    seeds = initialization.ks_refine(pixels, seeds, sig=0.05)
    seeds = seeds[seeds["mask_ks"] & seeds["mask_pnr"]].reset_index(drop=True)
    seeds = initialization.seeds_merge(
        pixels, brightest, seeds, thres_dist=10, thres_corr=0.8, noise_freq=0.06, chunk=CHUNK
    )
    A = initialization.initA(
        pixels, seeds[seeds["mask_mrg"]], thres_corr=0.8, wnd=10, noise_freq=0.06, chunk=CHUNK
    ).persist()
    C = initialization.initC(frames, A).persist()
    noise = cnmf.get_noise_fft(pixels, noise_range=(0.06, 0.5)).persist()
    for alike in (0.2, 0.4):
        A, C = merged(cnmf, A, C)
        A, kept, scale = cnmf.update_spatial(
            pixels, A, C, noise, in_memory=True, dl_wnd=10, sparse_penal=0.01, size_thres=(25, None)
        )
        A, C = A.persist(), (C.sel(unit_id=kept) * scale).persist()
        chunked = C.chunk({"unit_id": -1, "frame": chunk["frame"]}).persist()
        b, f = (part.persist() for part in cnmf.update_background(frames, A, chunked))
        rest = cnmf.compute_trace(frames, A, b, chunked, f).chunk({"unit_id": 1, "frame": -1}).persist()
        C, S, *_ = cnmf.update_temporal(
            A, C, YrA=rest, noise_freq=0.06, sparse_penal=1, p=1, add_lag=20, jac_thres=alike
        )
        C, S = C.persist(), S.persist()
        A = A.sel(unit_id=C.coords["unit_id"]).persist()
    order = C.coords["unit_id"]
    return {
        "A": A.transpose("unit_id", "height", "width").values,
        "C": C.transpose("unit_id", "frame").values,
        "spikes": S.sel(unit_id=order).transpose("unit_id", "frame").values,
        "shifts_px": -corrections.transpose("frame", "shift_dim").values,
    }


def merged(cnmf, A, C):
    """Merge units that go together; minian raises ValueError where none overlap."""
    try:
        A, C = cnmf.unit_merge(A, C, thres_corr=0.8, chunk=CHUNK)
    except ValueError:
        return A, C
    return A.persist(), C.persist()


def main() -> None:
    """Analyse and write what was found."""
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["MINIAN_INTERMEDIATE"] = folder
        from dask.distributed import Client, LocalCluster

        with (
            LocalCluster(
                processes=False, threads_per_worker=2, memory_limit=0, dashboard_address=":0"
            ) as cluster,
            Client(cluster),
        ):
            found = analyse(np.load(sys.argv[1]))
    np.savez(sys.argv[2], **found)


if __name__ == "__main__":
    main()
