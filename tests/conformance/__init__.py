"""What AWS Step Functions was recorded doing, run on the simulation.

    python -m tests.conformance --cases PATH --out FILE

PATH is a file or folder of cases; FILE gets one JSON row per check: `{"id", "key", "index"?, "actual"}`. Checks that
need what is not built yet have no row.
"""
