"""Crash everywhere: a machine of `definitions/` is killed at every boundary there is, and must come to the same end."""
