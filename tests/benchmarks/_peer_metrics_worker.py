"""Score one estimate with the peer's own metrics, in its own environment, and print one JSON line.

Only its documented functions are called. The argument is an .npz file that holds the arrays.
"""

import json
import sys

import minisim
import numpy as np


def main() -> None:
    """Score what the file holds."""
    with np.load(sys.argv[1]) as file:
        held = {name: file[name] for name in file.files}
    report: dict[str, object] = {}
    for kind, options in {
        "cosine": {},
        "iou": {"energy_frac": 1.0},
        "iou_energy": {"energy_frac": 0.9},
    }.items():
        metric = kind.partition("_")[0]
        match = minisim.hungarian_match(held["A"], held["A_true"], metric=metric, **options)
        auto = minisim.hungarian_match(held["A"], held["A_true"], metric=metric, shift="auto", **options)
        report[kind] = {
            "similarity": np.asarray(match.similarity_matrix).tolist(),
            "pairs": [list(map(int, pair)) for pair in match.pairing],
            "auto_shift": list(map(int, auto.shift)),
        }
    pairs = [tuple(pair) for pair in held["pairs"].tolist()]
    report["trace_r"] = np.asarray(minisim.trace_pearson(held["C"], held["C_true"], pairs)).tolist()
    activity = minisim.activity_similarity(held["spikes"], held["spikes_true"], pairs)
    report["spike_r"] = np.asarray(activity.correlation).tolist()
    report["motion"] = float(minisim.shift_rmse(held["shifts_px"], held["shifts_px_true"], align=True))
    print(json.dumps(report))


if __name__ == "__main__":
    main()
