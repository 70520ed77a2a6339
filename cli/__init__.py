"""The command line: thin commands over the engine. It chooses everything and decides nothing.

Rule: stdout carries data, stderr everything else. Exit 0: succeeded; 1: the execution failed, or findings; 2: wrong
usage or input; 3: still running.
"""
