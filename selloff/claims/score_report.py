"""The scores of found claims as a reader sees them: shares with intervals, and every error."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from selloff.wilson import wilson_interval

if TYPE_CHECKING:
    from selloff.claims.scoring import Counts, Scores, Stated

# Two-sided 95% of the normal distribution.


def wilson(n_right: int, n: int) -> tuple[float, float]:
    """Return the 95% interval of a share, by Wilson's score (1927).

    Parameters
    ----------
    n_right, n : int
        How many of how many.

    Returns
    -------
    tuple of float
        Its ends, fractions; NaN where `n` is 0.

    Examples
    --------
    >>> low, high = wilson(8, 10)
    >>> round(low, 3), round(high, 3)
    (0.49, 0.943)
    """
    return wilson_interval(n_right, n) or (math.nan, math.nan)


def report(scores: Scores) -> str:
    """Return the scores as Markdown: a table of all, by pattern and dialect, then the errors.

    Parameters
    ----------
    scores : Scores
        As `score` gives them.

    Returns
    -------
    str
        Shares as fractions with their 95% intervals; a dash where there is none.

    Examples
    --------
    >>> from selloff.claims.scoring import Passage, Stated, score
    >>> fall = Stated("MU", "price_change", "down", 0.12, 0.12, "fraction")
    >>> text = report(score({}, [Passage("MU fell 12%.", "2025-01-28", (fall,))]))
    >>> text.splitlines()[2]
    '| all | 0 | 0 | 1 | - | 0.000 [0.000, 0.793] | 0.000 | - | - |'
    """
    lines = [
        "| passages | matched | false | missed | precision | recall | F1 | qualifier | day |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
        _line("all", scores.total),
        *(_line(f"pattern {name}", counts) for name, counts in scores.by_pattern.items()),
        *(_line(f"dialect {name}", counts) for name, counts in scores.by_dialect.items()),
        "",
        f"Ambiguous claims found: {scores.n_ambiguous_found} of {scores.n_ambiguous}",
        f"Ranges and figures in words where the gold leaves them out: {scores.n_apart}",
    ]
    for title, errors in (("Missed", scores.missed), ("False", scores.false)):
        lines += ["", f"{title}: {len(errors)}", ""]
        lines += [f"- {_in_words(claim)}: {text}" for text, claim in errors]
    return "\n".join(lines)


def _line(name: str, counts: Counts) -> str:
    matched = counts.matched
    shares = (
        _with_interval(matched, matched + counts.false),
        _with_interval(matched, matched + counts.missed),
        _figure(counts.f1),
        _with_interval(counts.qualifier, matched),
        _with_interval(counts.day, matched),
    )
    cells = (name, matched, counts.false, counts.missed, *shares)
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def _with_interval(n_right: int, n: int) -> str:
    if n == 0:
        return "-"
    low, high = wilson(n_right, n)
    return f"{n_right / n:.3f} [{low:.3f}, {high:.3f}]"


def _figure(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.3f}"


def _in_words(claim: Stated) -> str:
    figure = f"{claim.low:g}" if claim.low == claim.high else f"{claim.low:g} to {claim.high:g}"
    parts = (claim.issuer, claim.metric, claim.direction, figure, claim.unit, claim.when)
    return " ".join(part for part in parts if part)
