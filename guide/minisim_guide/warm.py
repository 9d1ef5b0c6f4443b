"""Compile the engine before it is needed."""

import minisim_core


def warm() -> None:
    """Compile what is missing and say what it took."""
    print("Preparing the engine; the first time takes a minute …", flush=True)
    print(f"The engine is ready after {minisim_core.warm():.1f} s.", flush=True)
