"""Expressions that make sense to the parser, at random: trees, and users' expressions put together anew."""

from __future__ import annotations

import random

from hypothesis import strategies as st

from statelang.language.jsonata.functions import BUILTINS
from statelang.language.jsonata.functions.states import ADDED

NAMES = ("a", "b", "c", "s", "n", "`x y`", "*", "**", "%", "$", "$$", "$x", "$i", "$nothing")
LITERALS = ("0", "1", "-1", "2.5", "1e21", "null", "true", "false", '""', '"a"', '"é😀"', '"2026-01-02"', "/a+/i")
OPERATORS = ("+", "-", "*", "/", "%", "=", "!=", "<", ">=", "&", "and", "or", "in", "~>", ".", "..")
FUNCTIONS = tuple(f"${name}" for name in sorted({*BUILTINS, *ADDED, "eval"}))

_LEAVES = st.sampled_from(NAMES + LITERALS)


def _larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.tuples(inner, st.sampled_from(OPERATORS), inner).map(lambda t: f"{t[0]} {t[1]} {t[2]}"),
        st.tuples(st.sampled_from(FUNCTIONS), st.lists(inner, max_size=3)).map(lambda t: f"{t[0]}({', '.join(t[1])})"),
        st.tuples(inner, inner).map(lambda t: f"{t[0]}[{t[1]}]"),
        st.tuples(inner, inner, inner).map(lambda t: f"{t[0]}{{{t[1]}: {t[2]}}}"),
        st.tuples(inner, inner).map(lambda t: f"{t[0]}^(>{t[1]})"),
        st.tuples(inner, inner, inner).map(lambda t: f"({t[0]} ? {t[1]} : {t[2]})"),
        st.tuples(inner, inner).map(lambda t: f"($x := {t[0]}; {t[1]})"),
        st.tuples(inner, inner).map(lambda t: f"{t[0]} ~> |{t[1]}|{{\"z\": 1}}, 'a'|"),
        st.tuples(inner, inner).map(lambda t: f"{t[0]}@$i.{t[1]}"),
        st.tuples(inner, inner).map(lambda t: f"{t[0]}#$i[{t[1]}]"),
        inner.map(lambda t: f"function($x, $i){{{t}}}"),
        st.lists(inner, max_size=3).map(lambda t: f"[{', '.join(t)}]"),
        inner.map(lambda t: f'{{"k": {t}}}'),
        inner.map(lambda t: f"({t})"),
        inner.map(lambda t: f"-{t}"),
        inner.map(lambda t: f"{t}[]"),
    )


TREES = st.recursive(_LEAVES, _larger, max_leaves=8)
"""Texts that parse, most of them."""

USED = (
    "$x.b.c[$ > 1]",
    "$sum($x.b.c[$type($) = 'number'])",
    "$merge([$x, {'a': 2}])",
    "$map($x.b.c, function($v, $i){{'v': $v, 'i': $i}})",
    "$x.b.c ~> $filter(function($v){$exists($v.d)}) ~> $count()",
    "$join($split('a,b,c', ','), '-')",
    "$replace($x.s, /(l+)(o)?/, '[$1$2]')",
    "$formatNumber(1234.5, '#,##0.00')",
    "$fromMillis(1531310400000, '[Y0001]-[M01]-[D01]')",
    "$toMillis('2026-01-02T03:04:05Z')",
    "$reduce([1, 2, 3], function($a, $b){$a + $b}, 0)",
    "$sort($x.b.c, function($l, $r){$string($l) > $string($r)})",
    "$each($x, function($v, $k){$k & ':' & $string($v)})",
    "$lookup($x, 'a') in [1, 2]",
    "$x.b.c{$type($): $count($)}",
    "($f := function($n){$n <= 1 ? 1 : $n * $f($n - 1)}; $f(5))",
    "$substringBefore(?, 'l')($x.s)",
    "b.c#$i[$i > 0]",
    "$string($x) & $base64encode($x.s)",
    "$zip([1, 2], ['a', 'b']) ~> $distinct()",
)
"""What users write, in small."""


def mutated(chance: random.Random) -> str:
    """An expression of which pieces were exchanged with those of others."""
    text = chance.choice(USED)
    for _ in range(chance.randint(1, 3)):
        other = chance.choice(USED)
        begin = chance.randrange(len(text))
        end = begin + chance.randint(0, 8)
        at = chance.randrange(len(other))
        text = text[:begin] + other[at : at + chance.randint(0, 12)] + text[end:]
    return text
