"""How well claims are found: the reference, the development and the test sentences.

Run it once per change on the test sentences; their errors are not printed, so that nobody tunes on
them.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
from _records import tell

from selloff.claims import claims_of
from selloff.claims.score_report import report
from selloff.claims.scoring import Passage, Stated, passages, score, stated
from selloff.mentions import Lexicon

ROOT = Path(__file__).parents[1]
LABELLED = ROOT / "tests" / "selloff" / "claims" / "labelled"
FILES = {
    "reference": ROOT.parent / "shared" / "reference" / "claims" / "sentences.jsonl",
    "development": LABELLED / "development.jsonl",
    "test": LABELLED / "test.jsonl",
}
# After the close in New York, on the same date there and in Europe.
PUBLISHED = dt.time(21, 30)

options = pyarrow.csv.ConvertOptions(
    column_types={"valid_from": pa.date32(), "valid_to": pa.date32()},
    null_values=[""],
    strings_can_be_null=True,
)
names = pyarrow.csv.read_csv(LABELLED / "names.csv", convert_options=options)
issuers = {row["ticker"]: row["issuer_id"] for row in names.to_pylist()}
lexicon = Lexicon(names)


def found_in(passage: Passage) -> list[Stated]:
    """Return the claims that the extractor finds in a passage."""
    published_at = dt.datetime.combine(dt.date.fromisoformat(passage.published), PUBLISHED)
    table = claims_of(passage.text, published_at, lexicon)
    return [stated(row, passage.text, issuers) for row in table.to_pylist()]


for name, path in FILES.items():
    if not path.exists():
        print(f"## {name}\n\npassed over: the file is not here\n")
        continue
    lines = path.read_text(encoding="utf-8").splitlines()
    gold = passages(lines, issuers, omits=name == "reference")
    scores = score({passage.text: found_in(passage) for passage in gold}, gold)
    if name == "test":
        scores = replace(scores, missed=(), false=())
    print(f"## {name}\n\n{report(scores)}\n")
    total = scores.total
    if name == "test":
        tell("test sentences, recall", total.recall, "of the claims", goal=0.9, is_rate=True)
        tell("test sentences, precision", total.precision, "of what was found", is_rate=True)
    else:
        tell(f"{name} sentences, recall", total.recall, "of the claims", is_rate=True)
