"""Which experiment a command is about: a preset's name, or the JSON file of an experiment."""

import sys
import warnings
from pathlib import Path

import minisim_core as ms
from minisim_guide.errors import GuideError


def sentence(error: Exception) -> str:
    """Write an error of the engine as a sentence; the name of a parameter keeps its small letter."""
    text = str(error)
    named = text.split(" ", 2)[1:2] == ["="]
    return f"{text}." if named else f"{text[:1].upper()}{text[1:]}."


def experiment(named: str) -> ms.Experiment:
    """Return the experiment that a preset or a file names.

    Parameters
    ----------
    named
        The name of a preset, or the JSON file of an experiment.

    Raises
    ------
    GuideError
        If there is no such file.
    ParameterError
        If it holds no experiment.
    """
    if named in ms.presets.names():
        return ms.presets.get(named)
    try:
        text = Path(named).read_bytes()
    except OSError as error:
        raise GuideError(
            f"{named} cannot be read: {error.strerror}. Give the JSON file of an experiment or a preset: "
            f"{', '.join(ms.presets.names())}."
        ) from None
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        read = ms.Experiment.from_json(text)
    for warning in said:
        print(f"minisim-guide: {warning.message}", file=sys.stderr)
    return read
