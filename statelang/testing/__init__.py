"""Testing state machines: virtual time, and tasks that answer as told.

Rule: what is simulated is the world, never the machine: every transition is the core's own.
"""
