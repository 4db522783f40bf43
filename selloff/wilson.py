"""Wilson's score interval of a share."""

from __future__ import annotations

from math import sqrt

_Z95 = 1.959963984540054


def wilson_interval(successes: int, trials: int) -> tuple[float, float] | None:
    """Return the 95% interval of a share.

    Parameters
    ----------
    successes, trials : int
        Counts, ``0 <= successes <= trials``.

    Returns
    -------
    tuple of float or None
        Lower and upper end, fractions; None without trials.

    References
    ----------
    Wilson (1927), Probable inference, JASA 22, 209-212.

    Examples
    --------
    >>> tuple(round(end, 4) for end in wilson_interval(8, 10))
    (0.4902, 0.9433)
    """
    if trials == 0:
        return None
    share, square = successes / trials, _Z95 * _Z95
    centre = (share + square / (2 * trials)) / (1 + square / trials)
    spread = sqrt(share * (1 - share) / trials + square / (4 * trials * trials))
    half = _Z95 * spread / (1 + square / trials)
    return max(0.0, centre - half), min(1.0, centre + half)
