"""The eight kinds of state, one module each: what happens when one is entered, and when what it waits for comes.

Rule: a state is functions of (transition, frame, node); the tables in `machine` say which one is called when.
"""
