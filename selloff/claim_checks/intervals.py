"""The interval of values that the words of a claim allow."""

from __future__ import annotations

from dataclasses import dataclass

# Values on an edge count: 0.174 - 0.0005 is not 0.1735 in binary.
_EDGE = 1e-12
_NEARLY, _ABOVE, _ABOUT = 0.94, 1.25, 0.10


@dataclass(frozen=True, slots=True)
class Interval:
    """A closed interval; None where it has no end on that side.

    Parameters
    ----------
    low, high : float or None
        Least and largest value, in the unit of the claim, signed.
    """

    low: float | None
    high: float | None

    def holds(self, value: float) -> bool:
        """Return whether a value lies inside; an edge, within 1e-12 of its size, is inside.

        Parameters
        ----------
        value : float
            In the unit of the interval, signed.

        Examples
        --------
        >>> Interval(0.1735, 0.1745).holds(0.174 - 0.0005)
        True
        """
        above = self.low is None or value >= self.low - _EDGE * abs(self.low)
        return above and (self.high is None or value <= self.high + _EDGE * abs(self.high))

    def widened(self, share: float) -> Interval:
        """Return the interval with each end moved outwards by a share of its size.

        Parameters
        ----------
        share : float
            Fraction of the end's absolute value.

        Examples
        --------
        >>> Interval(-2.0, None).widened(0.5)
        Interval(low=-3.0, high=None)
        """
        low = None if self.low is None else self.low - share * abs(self.low)
        return Interval(low, None if self.high is None else self.high + share * abs(self.high))


def implied_interval(
    magnitudes: tuple[float, float], resolution: float, bound: str, direction: str | None
) -> Interval:
    """Return the signed interval that a figure and its words of vagueness imply.

    An exact figure stands for whatever rounds to it, both edges included: which way a tie is
    rounded differs between desks. A range runs from the rounded smaller to the rounded larger.

    Parameters
    ----------
    magnitudes : tuple of float
        The smaller and the larger figure, without sign, in the unit of the claim.
    resolution : float
        Worth of the last digit that is written.
    bound : str
        exact, about, nearly, above, at_least, below, at_most or extreme.
    direction : str or None
        down, up, or None for a level.

    Returns
    -------
    Interval
        Negative for a fall.

    Raises
    ------
    ValueError
        For an unknown bound.

    References
    ----------
    Jo, Trummer et al. (2019), Verifying Text Summaries of Relational Data Sets, SIGMOD, for the
    rounding rule.

    Examples
    --------
    >>> implied_interval((0.17, 0.17), 0.01, "nearly", "down")
    Interval(low=-0.17500000000000002, high=-0.1598)
    """
    low, high = magnitudes
    half = resolution / 2
    widths = {
        "exact": (low - half, high + half),
        "extreme": (low - half, high + half),
        "about": (min(low - half, low * (1 - _ABOUT)), max(high + half, high * (1 + _ABOUT))),
        "nearly": (min(low - half, low * _NEARLY), high + half),
        "above": (low, max(high + half, high * _ABOVE)),
        "at_least": (low - half, max(high + half, high * _ABOVE)),
        "below": (0.0, high),
        "at_most": (0.0, high + half),
    }
    if bound not in widths:
        raise ValueError(f"unknown bound {bound!r}, not one of {', '.join(sorted(widths))}")
    least, most = widths[bound]
    least = max(least, 0.0)
    return Interval(-most, -least) if direction == "down" else Interval(least, most)
