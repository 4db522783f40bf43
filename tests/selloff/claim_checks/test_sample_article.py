"""The figures of the sample article, held against public bars of January 2025."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import ibis
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from selloff.claim_checks.known import Known, Market
from selloff.claim_checks.readings import Bar
from selloff.claim_checks.verdicts import check_claim, claim_checks, claimed_interval
from selloff.claims import claims_of
from selloff.mentions import Lexicon
from selloff.quality import Judgement, quality_flags

ROOT = Path(__file__).resolve().parents[3]
PRICES = ROOT.parent / "shared/data/prices/ai_selloff_2025.parquet"
ARTICLES = ROOT.parent / "shared/data/articles"
pytestmark = pytest.mark.skipif(not PRICES.exists(), reason=f"{PRICES} is not there")
# As resources/data/shares_outstanding.csv states it for NVDA on 2025-01-24.
SHARES = {"known_on": date(2025, 1, 24), "shares_outstanding": 24.49e9, "split_ratio_after": 1.0}


def _check(ticker, direction, figure, resolution, bound, **other):
    table = pq.read_table(PRICES)
    rows = table.filter(pc.equal(table["ticker"], ticker)).sort_by("date").to_pylist()
    names = ("open", "high", "low", "close", "adj_close", "volume", "currency")
    known = {"quality_flags": "", "n_quarantined": 0, "is_simulated": False}
    bars = [
        Bar(
            session_date=row["date"],
            as_of=datetime.fromisoformat("2025-02-01"),
            **{name: row[name] for name in names},
            **known,
        )
        for row in rows
        if row["date"] <= date(2025, 1, 27)
    ]
    claim = {
        "listing_id": ticker,
        "metric": "price_change",
        "direction": direction,
        "unit": "fraction",
        "magnitude_low": figure,
        "magnitude_high": figure,
        "resolution": resolution,
        "bound": bound,
        "period": "day",
        "n_sessions": None,
        "claimed_from": None,
        "claimed_on": date(2025, 1, 27),
        "is_ambiguous": False,
        "published_at": datetime.fromisoformat("2025-01-28"),
        **other,
    }
    days = [bar.session_date for bar in bars]
    closes = [datetime.fromisoformat(f"{day}T21:00") for day in days]
    calendar = {ticker: (closes, days)}
    facts = Known({ticker: bars}, {ticker: days}, calendar, {}, {ticker: [SHARES]}, {}, {})
    return check_claim(claim, claimed_interval(claim), facts)


@pytest.mark.parametrize(
    ("ticker", "direction", "figure", "resolution", "bound"),
    [
        ("NVDA", "down", 0.17, 0.01, "nearly"),
        ("AVGO", "down", 0.174, 0.001, "exact"),
        ("MU", "down", 0.12, 0.01, "exact"),
        ("AMD", "down", 0.06, 0.01, "above"),
        ("MSFT", "down", 0.0214, 0.0001, "exact"),
        ("GOOGL", "down", 0.04, 0.01, "above"),
        ("ASML.AS", "down", 0.07, 0.01, "exact"),
    ],
)
def test_the_falls_are_supported_as_stated(ticker, direction, figure, resolution, bound):
    check = _check(ticker, direction, figure, resolution, bound)
    assert (check.verdict, check.reading) == ("supported", "as_stated"), check.reason


def test_the_market_value_is_supported_on_the_share_count_of_the_data():
    lost = {"metric": "market_value_change", "unit": "USD"}
    check = _check("NVDA", "down", 589e9, 1e9, "exact", **lost)
    assert check.verdict == "supported", check.reason
    assert check.observed == pytest.approx(-592.66e9, rel=1e-3)
    assert check.shares == SHARES


def test_a_fall_from_a_stale_fill_is_not_verifiable():
    check = _check("ENR.DE", "down", 0.2, 0.01, "exact")
    assert check.verdict == "not_verifiable"
    assert "stale fill" in check.reason


def _market():
    table = pq.read_table(PRICES).rename_columns({"date": "session_date"})
    tickers = sorted(set(table["ticker"].to_pylist()))
    named = {row["ticker"]: row for row in _names().to_pylist()}
    listed = [
        {
            "listing_id": ticker,
            "ticker": ticker,
            "issuer_id": ticker,
            "asset_class": "equity",
            "exchange_mic": named[ticker]["exchange_mic"],
            "region": named[ticker]["region"],
            "sector": "Technology",
        }
        for ticker in tickers
        if ticker in named
    ]
    mics = {row["ticker"]: row["exchange_mic"] for row in listed}
    rows = [row | {"listing_id": row["ticker"]} for row in table.to_pylist()]
    rows = [row for row in rows if row["ticker"] in mics]
    days = sorted({(mics[row["ticker"]], row["session_date"]) for row in rows})
    sessions = [
        {
            "exchange_mic": mic,
            "session_date": day,
            "closes_at": datetime.fromisoformat(f"{day}T21:00"),
        }
        for mic, day in days
    ]
    known = {
        "n_quarantined": 0,
        "is_simulated": False,
        "is_provisional": False,
        "as_of": datetime.fromisoformat("2025-02-01"),
    }
    text, stamp = pa.string(), pa.timestamp("us")
    tables = {
        "bars": pa.Table.from_pylist([row | known for row in rows]),
        "quarantined": pa.schema(
            {"listing_id": text, "session_date": pa.date32(), "reason": text, "as_of": stamp}
        ).empty_table(),
        "sessions": pa.Table.from_pylist(sessions),
        "instruments": pa.Table.from_pylist(listed),
        "shares": pa.Table.from_pylist([SHARES | {"listing_id": "NVDA"}]),
        "rates": pa.schema(
            {
                "currency": text,
                "rate_date": pa.date32(),
                "usd_per_currency": pa.float64(),
                "as_of": stamp,
            }
        ).empty_table(),
    }
    bars, *others = [ibis.memtable(table) for table in tables.values()]
    flagged = quality_flags(bars, others[1], others[2], Judgement())
    return Market(ibis.memtable(flagged.to_pyarrow()), *others)


def _names():
    options = pyarrow.csv.ConvertOptions(
        column_types={"valid_from": pa.date32(), "valid_to": pa.date32()},
        null_values=[""],
        strings_can_be_null=True,
    )
    path = ROOT / "tests/selloff/claims/labelled/names.csv"
    return pyarrow.csv.read_csv(path, convert_options=options)


@pytest.mark.skipif(not ARTICLES.exists(), reason=f"{ARTICLES} is not there")
def test_the_article_from_text_to_verdicts():
    (path,) = ARTICLES.glob("*.txt")
    published_at = datetime.fromisoformat("2025-01-28")
    said = claims_of(path.read_text(encoding="utf-8"), published_at, Lexicon(_names()))
    stamp = pa.array([published_at] * len(said), pa.timestamp("us"))
    claims = ibis.memtable(said.append_column("as_of", stamp))
    article = pa.table({"article_id": [""], "source": ["desk"], "location": ["file"]})
    articles = ibis.memtable(article)
    rows = claim_checks(claims, articles, _market())
    verdicts = {(row["ticker"], row["metric"]): row for row in rows}
    lost = verdicts.pop(("NVDA", "market_value_change"))
    assert lost["verdict"] == "supported"
    assert lost["observed"] == pytest.approx(-589e9, rel=0.01)
    assert lost["shares_outstanding"] == pytest.approx(24.49e9)
    stale = verdicts.pop(("ENR.DE", "price_change"))
    assert stale["verdict"] == "not_verifiable"
    assert "2025-01-24" in stale["reason"]
    assert "stale" in stale["reason"]
    falls = {ticker: row["verdict"] for (ticker, _), row in verdicts.items()}
    supported = ("NVDA", "AVGO", "MU", "AMD", "MSFT", "GOOGL", "ASML.AS")
    assert falls == dict.fromkeys(supported, "supported")
