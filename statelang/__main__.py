"""`python -m statelang`: the command, where its script is not on the PATH.

Rule: it is the same command, found by its name: nothing below knows it.
"""

from importlib import import_module

if __name__ == "__main__":
    import_module("statelang_cli.main").main()
