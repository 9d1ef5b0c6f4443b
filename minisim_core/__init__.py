"""A forward model of one-photon Miniscope recordings, exact truth included."""

from . import export, layers, measures, memory, optics, parameters, presets
from ._version import __version__
from .experiment import Experiment, describe
from .layers import LAYERS
from .memory import Cancelled
from .parameters import ModelRangeWarning, ParameterError
from .recording import Recording, simulate
from .warming import warm

__all__ = [
    "LAYERS",
    "Cancelled",
    "Experiment",
    "ModelRangeWarning",
    "ParameterError",
    "Recording",
    "__version__",
    "describe",
    "export",
    "layers",
    "measures",
    "memory",
    "optics",
    "parameters",
    "presets",
    "simulate",
    "warm",
]
