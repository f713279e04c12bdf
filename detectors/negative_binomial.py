"""How improbable so many or more are: the tail of a negative binomial distribution, in bits.

By series and continued fractions in logarithms (Press and others, *Numerical Recipes*, 3rd ed.,
here NR), since what is asked for lies far beyond what the tail itself can be written as.
"""

from __future__ import annotations

import math

_LN2 = math.log(2)
_TINY = 1e-300
_EPSILON = 1e-15
_STIRLING_FROM = 1e5


def surprise_bits(count: int, *, mean: float, shape: float = math.inf) -> float:
    r"""``-log2 P(X >= count)``, X negative binomial of that mean and shape; Poisson if infinite.

    The tail is the regularised incomplete beta function, :math:`I_{m/(m+r)}(k, r)`, for Poisson the
    incomplete gamma function :math:`P(k, m)`, in logarithms: for counts to a million and means down
    to 1e-300 the relative error stays below 1e-6 (tested against exact sums).
    """
    if count <= 0:
        return 0.0
    if mean <= 0:
        return math.inf
    if math.isinf(shape):
        return _poisson_tail_bits(count, mean)
    # Beyond the distribution's bulk the tail is small and its fraction converges; before it, the
    # other side's does, and the tail is the rest (Numerical Recipes, 3rd ed., 6.4).
    odds = mean / shape
    success, failure = odds / (1 + odds), 1 / (1 + odds)
    front = (
        _log_rising(count, shape)
        - math.lgamma(count)
        + count * (math.log(mean) - math.log(shape) - math.log1p(odds))
        - shape * math.log1p(odds)
    )
    if success < (count + 1) / (count + shape + 2):
        log_tail = front - math.log(count) + math.log(_beta_fraction(count, shape, success))
        return max(0.0, -log_tail / _LN2)
    log_rest = front - math.log(shape) + math.log(_beta_fraction(shape, count, failure))
    return max(0.0, -math.log1p(-min(math.exp(log_rest), 1 - 1e-16)) / _LN2)


def _log_rising(count: int, shape: float) -> float:
    """Log of ``gamma(count + shape) / gamma(shape)``; by Stirling where the two are too alike."""
    if shape < _STIRLING_FROM:
        return math.lgamma(count + shape) - math.lgamma(shape)
    total = count + shape
    return (
        (total - 0.5) * math.log1p(count / shape)
        + count * (math.log(shape) - 1)
        + 1 / (12 * total)
        - 1 / (12 * shape)
    )


def _beta_fraction(a: float, b: float, x: float) -> float:
    """The continued fraction of the incomplete beta function, by modified Lentz (NR 6.4)."""
    c, d = 1.0, 1 - (a + b) * x / (a + 1)
    d = 1 / (d if abs(d) > _TINY else _TINY)
    value = d
    for m in range(1, 100_000):
        for step in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1 + step * d
            c = 1 + step / c
            d = 1 / (d if abs(d) > _TINY else _TINY)
            c = c if abs(c) > _TINY else _TINY
            value *= c * d
        if abs(c * d - 1) < _EPSILON:
            break
    return value


def _poisson_tail_bits(count: int, mean: float) -> float:
    front = count * math.log(mean) - mean - math.lgamma(count)
    if mean < count + 1:  # series (NR 6.2)
        term = total = 1 / count
        above = float(count)
        while term > total * _EPSILON:
            above += 1
            term *= mean / above
            total += term
        return max(0.0, -(front + math.log(total)) / _LN2)
    b = mean + 1 - count
    c, d = 1 / _TINY, 1 / b
    value = d
    for i in range(1, 100_000):
        step = -i * (i - count)
        b += 2
        d = step * d + b
        d = 1 / (d if abs(d) > _TINY else _TINY)
        c = b + step / c
        c = c if abs(c) > _TINY else _TINY
        value *= c * d
        if abs(c * d - 1) < _EPSILON:
            break
    return max(0.0, -math.log1p(-min(math.exp(front) * value, 1 - 1e-16)) / _LN2)
