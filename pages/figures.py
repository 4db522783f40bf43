"""How figures look to readers: fractions become percentages here and in no table."""

from __future__ import annotations

import re
from datetime import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date, datetime


_MINUS = re.compile(r"(?<![\w.)-])-(?=\d)")


def percent(value: float | None, digits: int = 2) -> str:
    """Return a fraction as a signed percentage, empty where it is not known.

    >>> percent(-0.16968)
    '-16.97%'
    """
    return "" if value is None else f"{value:+.{digits}%}"


def share(value: float | None) -> str:
    """Return a share as a percentage without decimals, empty where it is not known.

    >>> share(0.5556)
    '56%'
    """
    return "" if value is None else f"{value:.0%}"


def billions(value: float | None) -> str:
    """Return an amount in billions, empty where it is not known.

    >>> billions(592658e6)
    '592.7'
    """
    return "" if value is None else f"{value / 1e9:,.1f}"


def number(value: float | None, digits: int = 2) -> str:
    """Return a number with two decimals, empty where it is not known.

    >>> number(-5.831)
    '-5.83'
    """
    return "" if value is None else f"{value:.{digits}f}"


def p_value(value: float | None) -> str:
    """Return a probability with three decimals, empty where it is not known.

    >>> p_value(0.0001)
    '<0.001'
    """
    if value is None:
        return ""
    shown = f"{value:.3f}"
    return "<0.001" if shown == "0.000" else shown


def day(value: date | None) -> str:
    """Return a date as it is spoken, empty where it is not known.

    >>> from datetime import date
    >>> day(date(2025, 1, 27))
    '27 January 2025'
    """
    return "" if value is None else f"{value.day} {value:%B %Y}"


def instant(value: datetime | None) -> str:
    """Return an instant to the minute, empty where it is not known.

    >>> from datetime import datetime
    >>> instant(datetime(2025, 1, 27, 21))
    '2025-01-27 21:00 UTC'
    """
    return "" if value is None else f"{value:%Y-%m-%d %H:%M} UTC"


def moment(value: datetime | None) -> str:
    """Return an instant, or the date alone where midnight stands for it.

    >>> from datetime import datetime
    >>> moment(datetime(2025, 1, 27)), moment(datetime(2025, 1, 27, 9, 30))
    ('2025-01-27', '2025-01-27 09:30 UTC')
    """
    if value is None or value.time() != time.min:
        return instant(value)
    return f"{value:%Y-%m-%d}"


def typeset(text: str) -> str:
    """Return text with minus signs in place of hyphens before figures; dates keep theirs.

    >>> typeset("592.7 (-17.0%)") == "592.7 (\N{MINUS SIGN}17.0%)", typeset("2025-01-27")
    (True, '2025-01-27')
    """
    return _MINUS.sub("\N{MINUS SIGN}", text)
