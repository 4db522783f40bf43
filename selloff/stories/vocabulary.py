"""Words that tell of a fall of prices."""

from __future__ import annotations

import re

# Verbs and nouns of English market reports, each with its forms: every row is one word of the
# list, so that "fell" and "falling" count once. Words that are as common elsewhere ("down",
# "lower", "drop-down") are left out.
_FORMS = (
    "fall falls fell fallen falling",
    "drop drops dropped dropping",
    "plunge plunges plunged plunging",
    "plummet plummets plummeted plummeting",
    "tumble tumbles tumbled tumbling",
    "slump slumps slumped slumping",
    "slide slides slid sliding",
    "sink sinks sank sunk sinking",
    "crash crashes crashed crashing",
    "collapse collapses collapsed collapsing",
    "selloff selloffs",
    "rout routs routed",
    "decline declines declined declining",
    "tank tanks tanked tanking",
    "shed sheds shedding",
    "lose loses lost losing loss losses",
    "wipe wipes wiped wiping wipeout",
    "erase erases erased erasing",
    "panic panicked fear fears",
    "correction bearish",
)
FALL_WORDS: dict[str, int] = {
    form: number for number, forms in enumerate(_FORMS) for form in forms.split()
}
"""Form, in lower case, to the number of its word."""

_ENOUGH = 5
_WORD = re.compile(r"[a-z]+")


def word_score(text: str) -> float:
    """Return how much of a text's wording speaks of a fall.

    Parameters
    ----------
    text : str
        Any text; read once, from its beginning to its end.

    Returns
    -------
    float
        Different words of the list found, over five, at most 1. Different ones, so that a word
        repeated in a menu or by a hostile page counts once.

    Examples
    --------
    >>> word_score("Shares fell, and fell again, in a sell-off.")
    0.4
    """
    plain = text.lower().replace("sell-off", "selloff")
    found = {FALL_WORDS[word] for word in _WORD.findall(plain) if word in FALL_WORDS}
    return min(1.0, len(found) / _ENOUGH)
