"""What Statelang costs, beside raw SQLite on the same disk in the same run: `make bench`.

Rule: a figure is a median of alternating runs and stands beside its baseline; nothing here is asserted by a test.
"""
