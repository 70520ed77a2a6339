"""The machine: what Amazon States Language means, as `begin`, `advance` and `apply`.

Rule: no I/O. Nothing here imports a clock, chance, a thread, a log, a socket or a database; time and entropy arrive
in the stimulus. A test reads the imports and fails when this breaks.
"""
