"""Powers as JavaScript computes them in V8, bit for bit: its own reading of fdlibm's `e_pow.c`.

Rule: every operation and its order are V8's (src/base/ieee754.cc), where the last digit of a result comes from; the
names are fdlibm's. What has no digits to differ in is left to `math.pow`.
"""

from __future__ import annotations

import math
import struct
from typing import Final

_TWO53: Final = 2.0**53
_HUGE: Final = 2.0**31
"""From such an exponent on, results are infinite, zero or nearly one."""


def power(x: float, y: float) -> float:
    """`Math.pow(x, y)`: NaN and infinities instead of errors."""
    x, y = float(x), float(y)
    if abs(x) == 1 and math.isinf(y):
        return math.nan
    quick = _quick(x, y)
    if quick is not None:
        return quick
    if x < 0 and not y.is_integer():
        return math.nan
    result = _positive(abs(x), y)
    return -result if x < 0 and math.fmod(y, 2) else result


def _quick(x: float, y: float) -> float | None:
    """What needs no logarithm."""
    if y == 1:
        return x
    if y == 2:
        return x * x
    if y == -1 and x:
        return 1 / x
    if y == 0.5 and x >= 0:
        return math.sqrt(x)
    if x and y and math.isfinite(x) and abs(y) <= _HUGE:
        return None
    try:
        return math.pow(x, y)
    except OverflowError:
        return -math.inf if x < 0 and math.fmod(y, 2) else math.inf
    except ValueError:
        return math.inf if x == 0 else math.nan


def _bits(value: float) -> int:
    found: int = struct.unpack("<Q", struct.pack("<d", value))[0]
    return found


def _double(bits: int) -> float:
    found: float = struct.unpack("<d", struct.pack("<Q", bits))[0]
    return found


def _high(value: float) -> float:
    """A double with the lower half of its bits cleared: a product of two such is exact."""
    return _double(_bits(value) & 0xFFFFFFFF_00000000)


_DP_H: Final = (0.0, 5.84962487220764160156e-01)
_DP_L: Final = (0.0, 1.35003920212974897128e-08)
_L: Final = (
    5.99999999999994648725e-01,
    4.28571428578550184252e-01,
    3.33333329818377432918e-01,
    2.72728123808534006489e-01,
    2.30660745775561754067e-01,
    2.06975017800338417784e-01,
)
_P: Final = (
    1.66666666666666019037e-01,
    -2.77777777770155933842e-03,
    6.61375632143793436117e-05,
    -1.65339022054652515390e-06,
    4.13813679705723846039e-08,
)
_LG2, _LG2_H, _LG2_L = 6.93147180559945286227e-01, 6.93147182464599609375e-01, -1.90465429995776804525e-09
_CP, _CP_H, _CP_L = 9.61796693925975554329e-01, 9.61796700954437255859e-01, -7.02846165095275826516e-09
_OVERFLOW: Final = 8.0085662595372944372e-0017


def _positive(x: float, y: float) -> float:
    """`x ** y` for a finite x above 0."""
    t1, t2 = _logarithm(x)
    y1 = _high(y)
    p_l = (y - y1) * t1 + y * t2
    p_h = y1 * t1
    z = p_l + p_h
    if z >= 1024 and (z > 1024 or p_l + _OVERFLOW > z - p_h):
        return math.inf
    if z <= -1075 and (z < -1075 or p_l <= z - p_h):
        return 0.0
    return _exponential(p_h, p_l, z)


def _logarithm(x: float) -> tuple[float, float]:
    """The logarithm to base 2, as a sum of two."""
    n = 0
    if x < 2.0**-1022:
        x, n = x * _TWO53, -53
    bits = _bits(x)
    n += (bits >> 52) - 1023
    j = bits >> 32 & 0xFFFFF
    k = int(0x3988E < j < 0xBB67A)
    ix = j | 0x3FF00000
    if j >= 0xBB67A:
        n, ix = n + 1, ix - 0x00100000
    ax, bp = _double(bits & 0xFFFFFFFF | ix << 32), (1.0, 1.5)[k]
    u, v = ax - bp, 1.0 / (ax + bp)
    ss = u * v
    s_h = _high(ss)
    t_h = _double((ix >> 1 | 0x20000000) + 0x00080000 + (k << 18) << 32)
    t_l = ax - (t_h - bp)
    s_l = v * ((u - s_h * t_h) - s_h * t_l)
    s2 = ss * ss
    r = s2 * s2 * (_L[0] + s2 * (_L[1] + s2 * (_L[2] + s2 * (_L[3] + s2 * (_L[4] + s2 * _L[5])))))
    r += s_l * (s_h + ss)
    s2 = s_h * s_h
    t_h = _high(3.0 + s2 + r)
    t_l = r - ((t_h - 3.0) - s2)
    u, v = s_h * t_h, s_l * t_h + t_l * ss
    p_h = _high(u + v)
    p_l = v - (p_h - u)
    z_h, z_l = _CP_H * p_h, _CP_L * p_h + p_l * _CP + _DP_L[k]
    t = float(n)
    t1 = _high(((z_h + z_l) + _DP_H[k]) + t)
    return t1, z_l - (((t1 - t) - _DP_H[k]) - z_h)


def _exponential(p_h: float, p_l: float, z: float) -> float:
    """`2 ** (p_h + p_l)`, where z is that sum."""
    n = 0
    if abs(z) > 0.5:
        n = math.floor(abs(z) + 0.5) * (1 if z > 0 else -1)
        p_h -= n
    t = _high(p_l + p_h)
    u, v = t * _LG2_H, (p_l - (t - p_h)) * _LG2 + t * _LG2_L
    z = u + v
    w = v - (z - u)
    t = z * z
    t1 = z - t * (_P[0] + t * (_P[1] + t * (_P[2] + t * (_P[3] + t * _P[4]))))
    r = (z * t1) / ((t1 - 2.0) - (w + z * w))  # fdlibm subtracts the last bracket from the quotient; V8 does not
    return math.ldexp(1.0 - (r - z), n)
