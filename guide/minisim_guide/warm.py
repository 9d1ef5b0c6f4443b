"""Compile the engine before it is needed."""

import minisim_core


def warm() -> None:
    """Compile what is missing and say what it took."""
    print("Preparing the engine; the first time takes a minute …", flush=True)
    seconds = minisim_core.warm()
    print("Nothing was missing." if seconds is None else f"Compiled in {seconds:.1f} s.", flush=True)
