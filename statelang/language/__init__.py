"""The languages inside a state machine: paths, intrinsic functions, JSONata, templates, comparisons.

Rule: everything here is a pure function of what it is given. A text is compiled once to a closure; the closure
raises `Fault` (or the language's own error, which the template turns into one) and touches no clock and no chance.
"""
