"""What a spreadsheet would take for more than text, and how it is kept from that."""

from __future__ import annotations

# The start of a formula, with the full-width forms of East Asia.
STARTS_FORMULA = frozenset("=+-@\uff1d\uff0b\uff0d\uff20")


def starts_formula(text: str) -> bool:
    r"""Return whether a spreadsheet takes a text for a formula, blanks before it or not.

    >>> starts_formula(" =1+1"), starts_formula("\t@SUM(A1)"), starts_formula("a = b")
    (True, True, False)
    """
    return text.lstrip()[:1] in STARTS_FORMULA or text[:1] in {"\t", "\r", "\n"}
