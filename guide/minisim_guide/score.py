"""Score an analysis from the command line."""

import json
import sys
import warnings
from pathlib import Path

import minisim_core as ms
from minisim_guide.errors import GuideError


def score(recording: str, estimate: Path, as_json: bool) -> None:
    """Print how good an analysis is.

    Parameters
    ----------
    recording
        The JSON file of an experiment, or the name of a preset.
    estimate
        The .npz file of the analysis.
    as_json
        Whether to print for a program rather than for a person.
    """
    from minisim_core.inverse import score as scoring

    try:
        recorded = ms.simulate(_experiment(recording))
        found = scoring.load(estimate, recorded.shape[1:])
        report = scoring.score_recording(recorded, found)
    except ms.ParameterError as error:
        raise GuideError(f"{str(error)[:1].upper()}{str(error)[1:]}.") from None
    print(json.dumps(report.as_dict(), indent=1) if as_json else report.text())


def _experiment(recording: str) -> ms.Experiment:
    if recording in ms.presets.names():
        return ms.presets.get(recording)
    try:
        text = Path(recording).read_bytes()
    except OSError as error:
        raise GuideError(
            f"{recording} cannot be read: {error.strerror}. Give the JSON file of an experiment or a preset: "
            f"{', '.join(ms.presets.names())}."
        ) from None
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        experiment = ms.Experiment.from_json(text)
    for warning in said:
        print(f"minisim-guide: {warning.message}", file=sys.stderr)
    return experiment
