"""Score an analysis from the command line."""

import json
from pathlib import Path

import minisim_core as ms
from minisim_guide.errors import GuideError
from minisim_guide.scenes import experiment, sentence


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
        recorded = ms.simulate(experiment(recording))
        found = scoring.load(estimate, recorded.shape[1:])
        report = scoring.score_recording(recorded, found)
    except ms.ParameterError as error:
        raise GuideError(sentence(error)) from None
    print(json.dumps(report.as_dict(), indent=1) if as_json else report.text())
