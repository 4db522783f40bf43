"""Sentences made from parts whose meaning is known, so that the claim in each is known too."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace

from hypothesis import strategies as st

from selloff.claims.scoring import Passage, Stated

SUBJECTS = {
    "Nvidia": "NVDA",
    "Broadcom": "AVGO",
    "Micron": "MU",
    "Oracle": "ORCL",
    "Boeing": "BA",
    "Siemens Energy": "ENR.DE",
    "Tokyo Electron": "8035.T",
    "Infosys": "INFY.NS",
}
"""Names of `names.csv` that are no common words, with their tickers."""

VERBS = {
    "down": ("fell", "dropped", "slid", "tumbled", "sank", "lost", "shed"),
    "up": ("rose", "gained", "climbed", "jumped", "added"),
}
NOUNS = {"down": ("drop", "fall", "slide", "decline"), "up": ("rise", "gain", "jump", "climb")}
QUALIFIERS = (None, "nearly", "almost", "about", "around", "roughly", "more than", "less than")
PERCENT = ("%", " percent", " per cent")
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")
NOT_STATED = (
    "{name} could {bare} {figure}.",
    "{name} did not {bare} {figure}.",
    "Analysts expect {name} to {bare} {figure}.",
    "{name}'s revenue {verb} {figure}.",
    "If {name} {verb} {figure}, the index would follow.",
)
"""Frames that state no move of a price; `bare` is `fall` or `rise`, `verb` `fell` or `rose`."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What a sentence says; `hundredths` of a percent, so that the figure is exact in print."""

    name: str
    direction: str
    verb: int
    hundredths: int
    percent: str = "%"
    qualifier: str | None = None
    weekday: int | None = None
    published: dt.date = dt.date(2025, 1, 28)
    frame: str = "plain"

    def text(self) -> str:
        """Return the sentence, in the form of words that `frame` names."""
        name, day = self.name, "" if self.weekday is None else f" on {WEEKDAYS[self.weekday]}"
        verbs, nouns = VERBS[self.direction], NOUNS[self.direction]
        verb, noun = verbs[self.verb % len(verbs)], nouns[self.verb % len(nouns)]
        words = "" if self.qualifier is None else f"{self.qualifier} "
        figure = f"{words}{self.figure()}"
        return {
            "plain": f"{name} {verb} {figure}{day}.",
            "shares": f"Shares of {name} {verb} {figure}{day}.",
            "was": f"{name} was {self.direction} {figure}{day}.",
            "closed": f"{name}'s stock closed {figure} {self.comparative()}{day}.",
            "nominal": f"There was a {noun} of {figure} in {name} shares{day}.",
            "relative": f"{name}, which reports next week, {verb} {figure}{day}.",
        }[self.frame]

    def figure(self) -> str:
        """Return the figure without trailing zeros, and its percent sign."""
        whole, rest = divmod(self.hundredths, 100)
        digits = f"{whole}.{rest:02d}".rstrip("0").rstrip(".")
        return f"{digits}{self.percent}"

    def comparative(self) -> str:
        """Return the word of direction that follows a figure."""
        return {"down": "lower", "up": "higher"}[self.direction]

    def when(self) -> str | None:
        """Return the last such weekday on or before publication."""
        if self.weekday is None:
            return None
        back = (self.published.weekday() - self.weekday) % 7
        return (self.published - dt.timedelta(days=back)).isoformat()

    def passage(self) -> Passage:
        """Return the sentence with the one claim it states."""
        magnitude = self.hundredths / 10_000
        claim = Stated(
            issuer=SUBJECTS[self.name],
            metric="price_change",
            direction=self.direction,
            low=magnitude,
            high=magnitude,
            unit="fraction",
            qualifier=self.qualifier,
            when=self.when(),
            period="unstated" if self.weekday is None else "day",
        )
        published = self.published.isoformat()
        return Passage(self.text(), published, (claim,), pattern=self.frame)

    def flipped(self) -> Parts:
        """Return the same sentence with the sign changed: its claim changes direction alone."""
        return replace(self, direction={"down": "up", "up": "down"}[self.direction])

    def not_stated(self) -> tuple[Passage, ...]:
        """Return sentences of the same name and figure that state no claim."""
        bare, verb = {"down": ("fall", "fell"), "up": ("rise", "rose")}[self.direction]
        texts = [
            frame.format(name=self.name, bare=bare, verb=verb, figure=self.figure())
            for frame in NOT_STATED
        ]
        return tuple(Passage(text, self.published.isoformat(), ()) for text in texts)


FRAMES = ("plain", "shares", "was", "closed", "nominal", "relative")
PARTS = st.builds(
    Parts,
    name=st.sampled_from(sorted(SUBJECTS)),
    direction=st.sampled_from(("down", "up")),
    verb=st.integers(0, 50),
    hundredths=st.integers(1, 9_900),
    percent=st.sampled_from(PERCENT),
    qualifier=st.sampled_from(QUALIFIERS),
    weekday=st.none() | st.integers(0, 4),
    # The day that a weekday names is that of the calendar, whether or not there was a session.
    published=st.dates(dt.date(2024, 1, 8), dt.date(2025, 10, 31)).filter(
        lambda day: day.weekday() < 5
    ),
    frame=st.sampled_from(FRAMES),
)
"""Sentences of every frame. Another `frame`, `verb` or `percent` is a paraphrase and keeps the
claim, `flipped` changes its direction, other `hundredths` rescale it."""


@st.composite
def lists(draw: st.DrawFn) -> Passage:
    """Return a sentence that gives several listings a figure each, by `respectively`."""
    parts = draw(st.lists(PARTS, min_size=2, max_size=4, unique_by=lambda one: one.name))
    first = parts[0]
    same = [
        replace(
            one,
            direction=first.direction,
            verb=first.verb,
            percent=first.percent,
            qualifier=None,
            weekday=first.weekday,
            published=first.published,
        )
        for one in parts
    ]
    verbs = VERBS[first.direction]
    day = "" if first.weekday is None else f" on {WEEKDAYS[first.weekday]}"
    names = _enumerated([one.name for one in same])
    figures = _enumerated([one.figure() for one in same])
    return Passage(
        text=f"{names} {verbs[first.verb % len(verbs)]} {figures}, respectively{day}.",
        published=first.published.isoformat(),
        claims=tuple(claim for one in same for claim in one.passage().claims),
        pattern="respectively",
    )


def _enumerated(words: list[str]) -> str:
    return f"{', '.join(words[:-1])} and {words[-1]}"
