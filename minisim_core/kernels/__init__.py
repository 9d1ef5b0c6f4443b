"""Every numba function of the engine, and nothing else; one module per subject."""
