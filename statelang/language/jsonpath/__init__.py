"""JSONPath as AWS understands it: exactly what Jayway JsonPath 2.0.0 answers, and the Reference Paths of the spec.

    compile_path("$.a[0]").read(document)            a Path, for reading
    compile_reference_path("$.a.b").write(doc, 1)    a ReferencePath, for ResultPath

Rule: the answers are Jayway's, its errors' texts too, also where another answer would seem more sensible.
"""

from statelang.language.jsonpath.errors import InvalidPath, PathError, PathNotFound
from statelang.language.jsonpath.path import Path, compile_path
from statelang.language.jsonpath.reference import ReferencePath, compile_reference_path

__all__ = [
    "InvalidPath",
    "Path",
    "PathError",
    "PathNotFound",
    "ReferencePath",
    "compile_path",
    "compile_reference_path",
]
