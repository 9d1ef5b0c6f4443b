"""Measure how plausible every preset is, and picture it; print Markdown.

``python -m tests.benchmarks.scenes [--seconds S] [--pictures FOLDER] [PRESET …]``

The pictures: one frame of each preset, raw beside stretched, and a sheet of all their middles.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

import minisim_core as ms
from minisim_core.scene import Scene

SAMPLE = 60  # cells that the medians are taken over
SHEET_PX = 264


class Levels(NamedTuple):
    """What one preset's recording looks like in numbers."""

    mean_dn: float  # of 8 bits
    sd_dn: float  # over time, median pixel
    electrons: float  # per pixel and exposure
    peak_e: float  # of a resting cell in focus
    peak_share: float  # of the background
    snr: float  # of one frame at ΔF/F 1, for a cell in focus
    in_field: int
    near_focus: int
    detectable: float  # estimated from the sample where the field holds many


def levels(recording: ms.Recording, sample: int = SAMPLE) -> Levels:
    """Measure a recording on every second frame and on a sample of its cells."""
    truth, scene = recording.truth, Scene(recording.experiment)
    movie = recording.frames[::2].astype(np.float32)
    movie /= 2 ** (recording.experiment.sensor.bit_depth - 8)
    background = recording.expected[::20].mean(axis=0)
    near = np.flatnonzero(truth.in_field & truth.near_focus)
    peaks, shares = [], []
    for i in near[:: max(len(near) // sample, 1)]:
        y, x = np.round(truth.centroids_px[i]).astype(int)
        peak = truth.footprints[i][2].max(initial=0) * scene.rest_electrons[i] * scene.shade.map[y, x]
        peaks.append(peak)
        shares.append(peak / background[y, x])
    snr = truth.snr
    light = np.sort(truth.fluorescence[:], axis=1)
    brightest = light[:, -max(1, round(0.05 * light.shape[1])) :].mean(axis=1) - 1
    firing = near[brightest[near] > 0.01]
    return Levels(
        mean_dn=float(movie.mean()),
        sd_dn=float(np.median(movie.std(axis=0))),
        electrons=float(background.mean()),
        peak_e=float(np.median(peaks)) if peaks else 0.0,
        peak_share=float(np.median(shares)) if shares else 0.0,
        snr=float(np.median(snr[firing] / brightest[firing])) if len(firing) else 0.0,
        in_field=int(truth.in_field.sum()),
        near_focus=len(near),
        detectable=int(truth.detectable.sum()),
    )


def pair(frame: NDArray[np.unsignedinteger], bit_depth: int) -> NDArray[np.uint8]:
    """Set one frame as it is beside the same frame stretched between its 0.5 and 99.7 percentiles."""
    raw = frame.astype(float) / 2 ** (bit_depth - 8)
    low, high = np.percentile(raw, [0.5, 99.7])
    stretched = 255 * np.clip((raw - low) / max(high - low, 1e-9), 0, 1)
    return np.concatenate([raw, stretched], axis=1).astype(np.uint8)


def middle(frame: NDArray[np.unsignedinteger], side: int) -> NDArray[np.unsignedinteger]:
    """Cut a square out of the middle of a frame."""
    y, x = (max((n - side) // 2, 0) for n in frame.shape)
    return frame[y : y + side, x : x + side]


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("presets", nargs="*", default=list(ms.presets.names()), metavar="PRESET")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--pictures", type=Path, metavar="FOLDER")
    options = parser.parse_args()
    print(
        "| preset | mean, sd(t), DN8 | e⁻/px | resting cell over background | SNR at ΔF/F 1 "
        "| cells in field / near focus / detectable |\n|---|---|---|---|---|---|"
    )
    sheet = []
    for name in options.presets:
        recording = ms.simulate(ms.presets.get(name, duration_s=options.seconds))
        found = levels(recording)
        print(
            f"| `{name}` | {found.mean_dn:.0f}, {found.sd_dn:.2f} | {found.electrons:.0f} "
            f"| {found.peak_e:.0f} e⁻, {found.peak_share:.1%} | {found.snr:.1f} "
            f"| {found.in_field} / {found.near_focus} / {found.detectable} |",
            flush=True,
        )
        if options.pictures:
            from matplotlib.image import imsave

            options.pictures.mkdir(parents=True, exist_ok=True)
            frame, bits = recording.frames[3], recording.experiment.sensor.bit_depth
            imsave(options.pictures / f"{name}.png", pair(frame, bits), cmap="gray", vmin=0, vmax=255)
            sheet.append(pair(middle(frame, SHEET_PX), bits))
            whole = np.concatenate(sheet)
            imsave(options.pictures / "sheet.png", whole, cmap="gray", vmin=0, vmax=255)


if __name__ == "__main__":
    main()
