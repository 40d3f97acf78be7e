"""Exact amounts: decimal text in and out, whole minor units inside, and shares that add up.

**Facts**
- The minor unit of a currency has so many digits after the point (ISO 4217, table A.1: https://www.iso.org/iso-4217-currency-codes.html);
  two, where MINOR_DIGITS says nothing else.
- Largest remainder: each gets its share rounded down, and what is left goes, one unit each, to the largest fractions. The sum
  is the total, and no share is a whole unit away from its exact value.
OURS: of equal fractions the first in the order given comes first; who calls orders by name. Halves are rounded away from zero.
"""
from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Context, Decimal, Inexact, InvalidOperation
from fractions import Fraction

# ISO 4217; currencies with another number of digits than two.
MINOR_DIGITS = {
    **dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF",
                     "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3), "CLF": 4, "UYW": 4}
CURRENCY = re.compile(r"[A-Z]{3}")
DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]{0,29})(?:\.[0-9]{1,18})?")
EXACT = Context(prec=120, traps=[Inexact, InvalidOperation])     # sums of 10^18 such numbers fit


def decimal(text: str) -> Decimal:
    """A number as entries and tariffs write it: digits, at most one point, no exponent. Raises ValueError."""
    if not DECIMAL.fullmatch(text):
        raise ValueError(f"'{text}' is no decimal number like 1234 or 0.05")
    return Decimal(text)


def written(value: Decimal) -> str:
    """The shortest text of a number, without exponent: 1.50 -> 1.5, 3E+2 -> 300."""
    text = format(value, "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text


def digits(currency: str) -> int:
    return MINOR_DIGITS.get(currency, 2)


def minor(value: Fraction, currency: str) -> int:
    """A value in whole minor units, halves away from zero."""
    scaled = abs(value) * 10 ** digits(currency)
    whole = int(scaled + Fraction(1, 2))
    return -whole if value < 0 else whole


def major(units: int, currency: str) -> str:
    """Minor units as an amount: 12345, EUR -> 123.45."""
    n = digits(currency)
    sign, text = "-" if units < 0 else "", str(abs(units)).rjust(n + 1, "0")
    return f"{sign}{text[:-n]}.{text[-n:]}" if n else sign + text


def whole(weights: Sequence[Decimal]) -> list[int]:
    """Decimal weights as whole numbers in the same proportion."""
    places = max((-min(int(w.as_tuple().exponent), 0) for w in weights), default=0)
    return [int(w.scaleb(places, EXACT)) for w in weights]


def apportion(total: int, weights: Sequence[int]) -> list[int]:
    """Whole shares of a total in proportion to weights; they add up to it. Raises ValueError if nobody has a share."""
    down, left = rounded_down(total, weights)
    all_ = sum(weights)
    order = sorted(range(len(weights)), key=lambda n: (-(abs(total) * weights[n] % all_), n))
    for n in order[:abs(left)]:
        down[n] += 1 if left > 0 else -1
    return down


def rounded_down(total: int, weights: Sequence[int]) -> tuple[list[int], int]:
    """Shares rounded towards zero, and what is left of the total. Raises ValueError if nobody has a share."""
    all_ = sum(weights)
    if all_ <= 0 or min(weights) < 0:
        raise ValueError("nobody has a share")
    sign = -1 if total < 0 else 1
    shares = [sign * (abs(total) * w // all_) for w in weights]
    return shares, total - sum(shares)


def exactly(value: Fraction) -> str:
    """A fraction for a person: as a decimal where it is one, else as it is."""
    rest = value.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    if rest > 1:
        return str(value)
    places = 0
    while (value * 10 ** places).denominator > 1:
        places += 1
    units = int(value * 10 ** places)
    text = str(abs(units)).rjust(places + 1, "0")
    return ("-" if units < 0 else "") + (f"{text[:-places]}.{text[-places:]}" if places else text)
