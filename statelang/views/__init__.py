"""Views: what people see of a definition and of an execution: pictures and plain sentences.

Rule: a view is given a definition (its JSON value) and events of a history; it decides nothing and does no I/O. The
same input gives the same text on every machine.
"""
