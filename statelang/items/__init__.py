"""Items: where a Distributed Map reads them from, and where its results go (asl.md 7.3, 7.5).

Rule: everything is streamed: what is held at once does not depend on how much there is. A format is one module and one
row of `statelang.items.formats.FORMATS`.
"""
