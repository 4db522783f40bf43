"""Cues: what shows that a word which is also a name (Arm, Meta, Visa) means the firm."""

from __future__ import annotations

import re

REACH = 100
_SENTENCE_END = re.compile(r"[.!?](?=\s)|\n\s{0,9}\n| {2}")
_VERBS = (
    r"(?:rose|rises?|rising|gain(?:s|ed|ing)?|jump(?:s|ed|ing)?|climb(?:s|ed|ing)?|surg(?:e|es|ed|ing)"
    r"|soar(?:s|ed|ing)?|ad(?:d|ds|ded|ding)|fell|falls?|falling|drop(?:s|ped|ping)?|slid(?:es?|ing)?"
    r"|s[aiu]nk(?:s|ing)?|los(?:t|es?|ing)|tumbl(?:e|es|ed|ing)|plung(?:e|es|ed|ing)|plummet(?:s|ed)?"
    r"|slump(?:s|ed|ing)?|slip(?:s|ped|ping)?|declin(?:e|es|ed|ing)|shed(?:s|ding)?|dip(?:s|ped)?"
    r"|retreat(?:s|ed)?|rall(?:y|ies|ied)|rebound(?:s|ed)?|gave up|up|down|off|higher|lower)"
)
_SIDES = (
    r"(?:lower|higher|weaker|stronger|firmer|softer|down|up|in the (?:red|green)|drop|fall|decline"
    r"|slide|plunge|slump|loss|gain|rise|jump|rally|surge|tumble|below|above)\b"
)
_FIGURE = (
    r"(?:\d\s?(?:%|percent\b|per cent\b|pct\b|pc\b|bn\b|billion\b)"
    r"|(?:one|two|three|four|five|six|seven|eight|nine|ten|half a|half|fifteen|twenty) per ?cent\b"
    r"|a (?:third|quarter|fifth|tenth)\b)"
)
_BEFORE = re.compile(
    r"(?:\b(?:shares|stock|scrip|share price) (?:of|in)|"
    rf"{_FIGURE}.{{0,30}}\b(?:in|of|for|at|off|from)) (?:the )?$",
    re.IGNORECASE,
)
# A verbose expression drops blanks.
_V_FIGURE, _V_SIDES, _V_VERBS = (form.replace(" ", r"\ ") for form in (_FIGURE, _SIDES, _VERBS))
_AFTER = re.compile(
    rf"""
    ,?\ (?:Inc|Corp|Corporation|Co|Ltd|plc|PLC|Group|Holdings|Platforms|Technologies)\b
    | \ \((?:[A-Za-z]{{2,10}}:\ ?)?[A-Z0-9.-]{{1,10}}\)
    | \ ?\([-+\u2013]?[\d.,]{{0,8}}{_V_FIGURE}
    | (?:'s)?\ (?:shares?|stock|scrip|share\ price|market\ (?:value|cap))\b
    | :?\ [-+\u2013]?[\d.,]{{0,8}}{_V_FIGURE}
    | \ (?:said|says|warned|warns|reported|posted|announced|raised|raises|beat|beats|missed|misses
        |expects|forecast|unveiled|agreed|plans|cuts?(?!\ to\b))\b
    | \ saw\ .{{0,40}}?\b(?:shares|stock)\b
    | ,?\ (?:finished|ended|closed|was|were|is|has|had|opened|traded|stood)\b.{{0,60}}?{_V_FIGURE}
    | .{{0,100}}?{_V_FIGURE}\ (?:\w{{1,12}}\ ){{0,2}}{_V_SIDES}
    | .{{0,100}}?\b{_V_VERBS}\b.{{0,40}}?{_V_FIGURE}
    """,
    re.VERBOSE,
)


def has_cue(text: str, start: int, end: int) -> bool:
    """Say whether something beside the word at [start, end) shows that a firm is meant.

    A cue stands in the word's own sentence: "shares of" or a fall in per cent before it, or after
    it a company form (Inc, Holdings ...), a ticker in brackets, "shares" or "stock", or, within
    100 characters, a verb of rising or falling with a figure.

    Parameters
    ----------
    text : str
        The text with plain quotes (`selloff.mentions.lexicon.plain`).
    start, end : int
        The word.

    Examples
    --------
    >>> has_cue("Arm fell 10%.", 0, 3), has_cue("Arm in arm they fell.", 0, 3)
    (True, False)
    """
    if text[end : end + 1] == "-":
        return False
    before = text[max(0, start - 60) : start]
    if _BEFORE.search(" ".join(before.split()) + " "):
        return True
    window = text[end : end + REACH]
    if sentence_end := _SENTENCE_END.search(window):
        window = window[: sentence_end.end()]
    return (
        _AFTER.match(" " + " ".join(window.split()) if window[:1].isspace() else window) is not None
    )
