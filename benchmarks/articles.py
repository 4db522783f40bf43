"""What reading articles costs: from text to claims, against yardsticks from PyPI in the same run.

python benchmarks/articles.py          ours, and the yardsticks in an environment made for them
python benchmarks/articles.py ours     ours alone

quantulum3 finds quantities and knows no firm, spaCy's blank tokenizer only cuts a text into words:
neither does what is measured here, they say how much that is.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from _peers import python_with
from _records import peer, tell

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parent.parent
PEERS = ("quantulum3==0.10.0", "spacy==3.8.18")
N_ALIASES, N_ARTICLES, N_WORDS = 20_000, 500, 650
LEAST = 500.0
"""Articles a second and core, from text to claims."""
AT = datetime(2025, 1, 28)  # noqa: DTZ001 - UTC without a zone, as the warehouse has it
HOSTILE = (" ", "7", "(", "%", "'", "17% ", "Nvidia ", "Nvidia fell 17%, ", "ASML, ")
FILLER = (
    "Traders on the floor said that the morning had been quiet until the first reports came in.",
    "Nobody could say how much computing the coming years would want, or what it would cost.",
    "The company said in a statement that it welcomed the advance and would go on as planned.",
    "Analysts pointed to the long lead times of power plants and to contracts already signed.",
    "Revenue rose {n}% in the last quarter, and the firm plans to spend ${n} billion on plants.",
)
TOLD = (
    "Shares of {name} fell {n}.{d}% on Monday, the most in years.",
    "{name}, which makes parts for data centres, lost {n} per cent, and {other} {d}%.",
    "{name} shed about ${n} billion in market value.",
)


def texts() -> list[str]:
    """Return articles of about 650 words, every eighth sentence a claim of a known name."""
    dice = random.Random(20250127)  # noqa: S311 - text, no secret
    found = []
    for _ in range(N_ARTICLES):
        sentences: list[str] = []
        while sum(len(each.split()) for each in sentences) < N_WORDS:
            form = dice.choice(TOLD if len(sentences) % 8 == 0 else FILLER)
            names = [f"Firstword{dice.randrange(N_ALIASES)} Energy" for _ in range(2)]
            numbers = {"n": dice.randrange(2, 30), "d": dice.randrange(1, 9)}
            sentences.append(form.format(name=names[0], other=names[1], **numbers))
        found.append(" ".join(sentences))
    return found


def aliases() -> Any:
    """Return an alias table of 20,000 names, and a few real ones."""
    import pyarrow as pa

    names = [(f"X:{n}", f"Q{n}", f"Firstword{n} Energy") for n in range(N_ALIASES)]
    names += [("XNAS:NVDA", "NVDA", "Nvidia"), ("XNAS:ASML", "ASML", "ASML")]
    names += [("XAMS:ASML.AS", "ASML.AS", "ASML")]
    rest = {"needs_cue": False, "valid_from": None, "valid_to": None}
    fields = ("listing_id", "ticker", "alias")
    return pa.Table.from_pylist([dict(zip(fields, row, strict=True)) | rest for row in names])


def rate(work: Callable[[], object], n: int) -> float:
    """Return how many of n pieces are done in a CPU second, the best of three runs."""
    best = 0.0
    for _ in range(3):
        began = time.process_time()
        work()
        best = max(best, n / (time.process_time() - began))
    return best


def claims_rate() -> float:
    """Measure articles a second, from text to claims."""
    from selloff.claims import claims_of
    from selloff.mentions import Lexicon

    lexicon, articles = Lexicon(aliases()), texts()
    return rate(lambda: [claims_of(text, AT, lexicon) for text in articles], N_ARTICLES)


def spans_rate() -> float:
    """Measure articles a second, names alone."""
    from selloff.mentions import Lexicon

    lexicon, articles = Lexicon(aliases()), texts()
    return rate(lambda: [lexicon.spans(text, AT.date()) for text in articles], N_ARTICLES)


def copies_rate() -> float:
    """Measure articles a second, near copies among them."""
    from selloff.near_copies import near_copies

    articles = texts()
    return rate(lambda: near_copies(articles), N_ARTICLES)


def page_rate(tier: str) -> float:
    """Measure pages a second by a tier of extraction."""
    from resources.articles.pages import from_html

    links = "<a href=x>y</a>" * 60
    head = f"<html><head><title>A page</title></head><body><nav>{links}</nav><article>"
    bodies = ["".join(f"<p>{part}.</p>" for part in text.split(". ")) for text in texts()[:50]]
    pages = [f"{head}{body}</article></body></html>" for body in bodies]
    return rate(lambda: [from_html(page, tier=tier) for page in pages], len(pages))


def quantulum() -> float:
    """Measure quantulum3 on a few of the articles: it knows quantities, no firms."""
    import warnings

    warnings.simplefilter("ignore")
    from quantulum3 import parser

    few = texts()[:5]
    return rate(lambda: [parser.parse(text) for text in few], len(few))


def spacy_words() -> float:
    """Measure spaCy's tokenizer: it cuts into words, and nothing more."""
    import spacy

    cut = spacy.blank("en")
    articles = texts()
    return rate(lambda: [cut(text) for text in articles], N_ARTICLES)


OURS: dict[str, Callable[[], float]] = {
    "text to claims, 20,000 names": claims_rate,
    "text to names, 20,000 names": spans_rate,
    "near copies among 500": copies_rate,
    "page to text, trafilatura": lambda: page_rate("whole"),
    "page to text, resiliparse": lambda: page_rate("fast"),
}
RIVALS: dict[str, Callable[[], float]] = {
    "quantulum3 0.10.0, quantities alone": quantulum,
    "spaCy 3.8.18, words alone": spacy_words,
}


def hostile() -> None:
    """Print what 1 MB of one thing costs (limits 5 CPU s and 500 MB)."""
    import resource

    from selloff.claims import claims_of
    from selloff.mentions import Lexicon

    lexicon = Lexicon(aliases())
    print("\n| 1 MB of | CPU s (limit 5) | peak MB (limit 500) |\n| --- | --- | --- |")
    for unit in HOSTILE:
        began = time.process_time()
        claims_of(unit * (1_000_000 // len(unit)), AT, lexicon)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        print(f"| `{unit}` | {time.process_time() - began:.2f} | {peak} |", flush=True)


def child(what: str, python: str = sys.executable) -> float:
    """Measure one line in a process of its own."""
    command = [python, __file__, "child", what]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{what} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    return float(json.loads(done.stdout.splitlines()[-1]))


def main(arguments: list[str]) -> int:
    """Print the tables; return 1 if reading is slower than its limit."""
    if arguments[:1] == ["child"]:
        print(json.dumps({**OURS, **RIVALS}[arguments[1]]()))
        return 0
    print(f"| {N_ARTICLES} articles of {N_WORDS} words | a CPU second |\n| --- | --- |")
    found = {what: child(what) for what in OURS}
    for what, figure in found.items():
        print(f"| {what} | {figure:,.0f} |", flush=True)
    hostile()
    reading = found["text to claims, 20,000 names"]
    theirs = []
    if "ours" not in arguments and (python := python_with("articles", PEERS)):
        print("\n| yardstick | a CPU second | claims, times |\n| --- | --- | --- |")
        for what in RIVALS:
            figure = child(what, python)
            theirs.append(peer(what, figure))
            print(f"| {what} | {figure:,.1f} | {reading / figure:,.2f} |", flush=True)
    for what, figure in found.items():
        beside, least = (theirs, LEAST) if figure == reading else ([], None)
        tell(what, figure, "a CPU s", *beside, goal=least, is_rate=True)
    return int(reading < LEAST)


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    raise SystemExit(main(sys.argv[1:]))
