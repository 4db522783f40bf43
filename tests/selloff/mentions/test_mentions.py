from __future__ import annotations

import time
from datetime import date, datetime

import pyarrow as pa
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from resources.reference import Reference
from selloff.mentions import mentions

ALIASES = pa.schema(
    [
        ("listing_id", pa.string()),
        ("ticker", pa.string()),
        ("alias", pa.string()),
        ("needs_cue", pa.bool_()),
        ("valid_from", pa.date32()),
        ("valid_to", pa.date32()),
    ]
)


def names(*rows):
    """Return an alias table of (ticker, alias, needs_cue, valid_from, valid_to)."""
    full = [(*row, *(False, None, None)[len(row) - 2 :]) for row in rows]
    columns = [(f"X:{row[0]}", *row) for row in full]
    return pa.Table.from_pylist(
        [dict(zip(ALIASES.names, row, strict=True)) for row in columns], schema=ALIASES
    )


def articles(*texts, day="2025-01-28"):
    instant = datetime.fromisoformat(day) if day else None
    return pa.table(
        {
            "article_id": [f"a{number}" for number, _ in enumerate(texts)],
            "text": pa.array(texts, pa.string()),
            "published_at": pa.array([instant] * len(texts), pa.timestamp("us")),
        }
    )


NAMES = names(
    ("NVDA", "Nvidia"),
    ("SIE.DE", "Siemens"),
    ("ENR.DE", "Siemens Energy"),
    ("ASML", "ASML"),
    ("ASML.AS", "ASML"),
    ("ARM", "Arm", True),
    ("ARM", "Arm Holdings"),
    ("META", "Meta", True, date(2021, 10, 28), None),
    ("META", "Facebook", False, None, date(2021, 10, 28)),
    ("T", "AT&T"),
    ("JPM", "J.P. Morgan"),
    ("^GSPC", "S&P 500"),
)


def named(text, aliases=NAMES, day="2025-01-28"):
    rows = mentions(articles(text, day=day), aliases).to_pylist()
    return {row["ticker"]: row["n_mentions"] for row in rows}


def test_a_row_says_who_is_named_how_often_and_where():
    rows = mentions(articles("So Nvidia fell. Nvidia!"), NAMES).to_pylist()
    assert rows == [
        {
            "article_id": "a0",
            "listing_id": "X:NVDA",
            "ticker": "NVDA",
            "alias": "Nvidia",
            "alias_kind": "company",
            "listing_from": "only",
            "n_mentions": 2,
            "first_offset": 3,
        }
    ]


def test_rows_come_in_the_order_of_articles_and_of_first_mention():
    rows = mentions(articles("Siemens, Nvidia", "nobody", "Nvidia, Siemens"), NAMES).to_pylist()
    assert [(row["article_id"], row["ticker"]) for row in rows] == [
        ("a0", "SIE.DE"),
        ("a0", "NVDA"),
        ("a2", "NVDA"),
        ("a2", "SIE.DE"),
    ]


def test_no_article_or_no_name_gives_no_row_but_the_columns():
    assert mentions(articles(), NAMES).column_names == mentions(articles("x"), NAMES).column_names
    assert mentions(articles("Nvidia"), names()).num_rows == 0


@pytest.mark.parametrize(
    "text", ["Nvidia's", "Nvidia\u2019s", "(Nvidia)", "Nvidia-led", "\u201cNvidia\u201d", "Nvidia"]
)
def test_a_name_ends_where_its_word_ends(text):
    assert named(text) == {"NVDA": 1}


@pytest.mark.parametrize("text", ["Nvidias", "nvidia", "NVIDIA", "preNvidia", "Nvidia2", "Nvidi a"])
def test_another_word_is_not_the_name(text):
    assert named(text) == {}


def test_the_longest_name_wins_also_over_a_line_break():
    assert named("Siemens Energy fell") == {"ENR.DE": 1}
    assert named("Siemens\nEnergy fell") == {"ENR.DE": 1}
    assert named("Siemens fell. Energy rose") == {"SIE.DE": 1}
    assert named("Siemens Energy and Siemens") == {"ENR.DE": 1, "SIE.DE": 1}


def test_a_longer_name_that_was_not_yet_in_use_leaves_the_shorter_one():
    dated = names(("SIE.DE", "Siemens"), ("ENR.DE", "Siemens Energy", False, date(2020, 9, 28)))
    assert named("Siemens Energy", dated, "2019-01-01") == {"SIE.DE": 1}
    assert named("Siemens Energy", dated, "2020-09-28") == {"ENR.DE": 1}


def test_names_with_signs_are_found():
    assert named("AT&T, J.P. Morgan and the S&P 500 fell") == {"T": 1, "JPM": 1, "^GSPC": 1}


def test_a_name_of_two_listings_means_one_of_them():
    assert named("ASML fell") == {"ASML": 1}


@pytest.mark.parametrize(
    ("text", "day", "found"),
    [
        ("Facebook fell", "2021-10-28", True),
        ("Facebook fell", "2021-10-29", False),
        ("Shares of Meta fell", "2021-10-28", True),
        ("Shares of Meta fell", "2021-10-27", False),
        ("Facebook fell", None, True),
    ],
)
def test_a_name_counts_while_it_is_in_use(text, day, found):
    assert (named(text, day=day) == {"META": 1}) is found


@pytest.mark.parametrize(
    "text",
    [
        "Arm (ARM) makes designs",
        "Arm (NASDAQ: ARM) makes designs",
        "Arm Inc. makes designs",
        "Arm plc makes designs",
        "shares of Arm were sold",
        "Shares in\nArm were sold",
        "Arm shares were sold",
        "Arm's stock was sold",
        "Arm\u2019s shares were sold",
        "Arm fell 10.2%",
        "Arm, which is in Cambridge, dropped by nearly 10 percent",
        "Arm was down 10%",
        "Arm Holdings makes designs",
    ],
)
def test_a_word_is_a_name_with_a_cue(text):
    assert set(named(text)) == {"ARM"}


@pytest.mark.parametrize(
    "text",
    [
        "Arm in arm they went",
        "Arm wrestling is a sport",
        "Armani fell 10%",
        "Arm makes designs. Nobody fell 10%",
        "Arm\n\nIt fell 10%",
        "Arm yourselves",
        "Meta-analyses show it",
    ],
)
def test_a_word_without_a_cue_is_no_name(text):
    assert named(text) == {}


@pytest.mark.parametrize(
    "text", ["$NVDA fell", "chips ($NVDA)", "the maker (NVDA)", "NASDAQ: NVDA"]
)
def test_a_marked_ticker_counts(text):
    rows = mentions(articles(text), NAMES).to_pylist()
    assert [(row["ticker"], row["alias"]) for row in rows] == [("NVDA", "NVDA")]
    assert rows[0]["first_offset"] == text.index("NVDA")


@pytest.mark.parametrize("text", ["NVDA fell", "$NVDAX", "US$ NVDA", "(NVDA fell)", "note: NVDA"])
def test_an_unmarked_ticker_does_not_count(text):
    assert named(text) == {}


def test_a_letter_in_parentheses_is_no_ticker_but_beside_its_exchange_it_is():
    assert named("point (T) of the list") == {}
    assert named("(NYSE: T)") == {"T": 1}
    assert named("$T") == {"T": 1}


def test_a_ticker_that_is_also_the_name_is_one_mention():
    assert named("the maker (ASML)") == {"ASML": 1}
    assert named("ASML (ASML.AS) fell") == {"ASML.AS": 2}


@given(
    before=st.text(max_size=5), after=st.text(max_size=5), alias=st.sampled_from(["Nvidia", "AT&T"])
)
def test_a_name_is_found_exactly_where_no_letter_touches_it(before, after, alias):
    table = names(("ZZZZ", alias))
    touched = before[-1:].isalnum() or after[:1].isalnum() or "_" in (before[-1:], after[:1])
    assume(alias[:2] not in before + after)
    assert bool(named(f"{before}{alias}{after}", table)) is not touched


@given(st.lists(st.sampled_from(["Siemens", "Energy", "Nvidia", "and", ".", "\n"]), max_size=12))
def test_offsets_point_at_the_alias_and_counts_never_exceed_its_occurrences(words):
    text = " ".join(words)
    for row in mentions(articles(text), NAMES).to_pylist():
        written = " ".join(text[row["first_offset"] :].split())
        assert written.startswith(row["alias"])
        assert 1 <= row["n_mentions"] <= words.count(row["alias"].split()[0])


REPOSITORY = Reference().aliases()


@pytest.mark.parametrize("row", REPOSITORY.to_pylist(), ids=lambda row: row["alias"])
def test_every_name_of_the_repository_is_found_in_a_plain_sentence(row):
    day = row["valid_to"] or row["valid_from"] or date(2025, 1, 28)
    text = f"Shares of {row['alias']} fell 3%"
    rows = mentions(articles(text, day=day.isoformat()), REPOSITORY).to_pylist()
    shared = {
        each["listing_id"] for each in REPOSITORY.to_pylist() if each["alias"] == row["alias"]
    }
    assert {found["listing_id"] for found in rows} & shared
    assert {found["alias"] for found in rows} == {row["alias"]}


MANY = pa.concat_tables(
    [
        REPOSITORY.select(ALIASES.names),
        names(*((f"T{i}", f"First Word{i} {'Energy' * (i % 2)}".strip()) for i in range(20_000))),
    ]
)


@pytest.mark.parametrize(
    "unit", [" ", "a", "(", "$", "\n", "First ", "First Word1 ", "Arm ", "Arm fell ", "S&", "A: "]
)
def test_hostile_text_takes_linear_time_under_many_names(unit):
    text = unit * (300_000 // len(unit))
    start = time.process_time()
    mentions(articles(text), MANY)
    # Measured: 0.2 to 3 s. A quadratic search would take hours.
    assert time.process_time() - start < 20
