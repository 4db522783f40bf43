"""What the grammar reads, form by form: sentences of our own, and what a careful reader takes."""

from __future__ import annotations

import pytest

from tests.selloff.claims.reading import rows, told

MONDAY = "on 2025-01-27"

READ = {
    # -- plain verbs, nouns and sides -----------------------------------------------------------
    "Nvidia fell 17% on Monday.": [f"NVDA down 0.17 {MONDAY}"],
    "Shares of Tesla gained 5%.": ["TSLA up 0.05"],
    "Boeing ticked down 0.2 percent.": ["BA down 0.002"],
    "Nvidia gave back 17%.": ["NVDA down 0.17"],
    "Netflix nudged 0.4% higher.": ["NFLX up 0.004"],
    "JPMorgan took a beating, ending 7% lower.": ["JPM down 0.07"],
    "Goldman Sachs took a 5% hit.": ["GS down 0.05"],
    "Pfizer stock is 2% to the good.": ["PFE up 0.02"],
    "PayPal got clobbered, down 12.3% on Tuesday.": ["PYPL down 0.123 on 2025-01-28"],
    "Disney: minus 4%.": ["DIS down 0.04"],
    "Salesforce, plus 2.4%.": ["CRM up 0.024"],
    "Ford finished 3.1% worse.": ["F down 0.031"],
    "Nvidia traded 3% below Friday's close.": ["NVDA down 0.03 on 2025-01-24"],
    "Nike notched a gain of 6.2%.": ["NKE up 0.062"],
    "Losses in Nvidia reached 17%.": ["NVDA down 0.17"],
    "A drop of more than 6% in AMD dragged the index.": ["AMD down 0.06 more than"],
    "There was an 8% plunge in Dell shares on Monday.": [f"DELL down 0.08 {MONDAY}"],
    "Nvidia's 17-percent plunge rattled markets.": ["NVDA down 0.17"],
    "Nvidia posted a 17% single-day drop.": ["NVDA down 0.17"],
    "Tesla was marked down 4%.": ["TSLA down 0.04"],
    "Tesla got slammed for 6%.": ["TSLA down 0.06"],
    "The rally lifted Apple 3%.": ["AAPL up 0.03"],
    "Nvidia dragged the Nasdaq 3.1% lower.": ["^IXIC down 0.031"],
    "Nvidia's 17% slide sent the Nasdaq down 3.1%.": ["NVDA down 0.17", "^IXIC down 0.031"],
    # -- several names and figures --------------------------------------------------------------
    "Nvidia, Broadcom and Micron tumbled 17%, 17.4% and 11.7% in turn.": [
        "NVDA down 0.17",
        "AVGO down 0.174",
        "MU down 0.117",
    ],
    "Pfizer and Merck gained 1.2 and 0.8 per cent.": ["PFE up 0.012", "MRK up 0.008"],
    "Gains of 3% and 2% were posted by Intel and AMD, respectively.": [
        "INTC up 0.03",
        "AMD up 0.02",
    ],
    "Nvidia and Broadcom each fell more than 17%, with Micron down 11.7%.": [
        "NVDA down 0.17 more than",
        "AVGO down 0.17 more than",
        "MU down 0.117",
    ],
    "Nvidia and its rival AMD fell 17% and 6%.": ["NVDA down 0.17", "AMD down 0.06"],
    "Exxon Mobil was down 1.2 percent and Chevron 0.8 percent.": [
        "XOM down 0.012",
        "CVX down 0.008",
    ],
    "The S&P 500 ended down 1.5 percent, the Dow up 0.7 percent.": [
        "^GSPC down 0.015",
        "^DJI up 0.007",
    ],
    "Starbucks, McDonald's and Nike slid between 2% and 5%.": [
        "SBUX down 0.02 to 0.05",
        "MCD down 0.02 to 0.05",
        "NKE down 0.02 to 0.05",
    ],
    "With Nvidia and AMD down 5%, the Nasdaq Composite lost 3%.": [
        "NVDA down 0.05",
        "AMD down 0.05",
        "^IXIC down 0.03",
    ],
    "Nvidia (down 17%) and Broadcom (down 17.4%) suffered.": ["NVDA down 0.17", "AVGO down 0.174"],
    "NVDA -17%; AVGO -17.4%": ["NVDA down 0.17", "AVGO down 0.174"],
    "Ford (F) -2.1%, Tesla (TSLA) +1.4%.": ["F down 0.021", "TSLA up 0.014"],
    "Shares in Intel and AMD went two ways, up 2% and down 3%.": ["INTC up 0.02", "AMD down 0.03"],
    "Intel and Nike fell from 2% to 4%.": ["INTC down 0.02 to 0.04", "NKE down 0.02 to 0.04"],
    "AMD, like Nvidia, fell 6%.": ["AMD down 0.06"],
    "Losers included Nike (3%) and Intel (2%).": ["NKE down 0.03", "INTC down 0.02"],
    "Siemens Energy ended a fifth lower.": ["ENR.DE down 0.2"],
    "Nvidia pared losses to 12%.": ["NVDA down 0.12"],
    "Nvidia fell as low as $113.01.": ["NVDA at 113.01 level USD"],
    # -- whose it is ----------------------------------------------------------------------------
    "Nvidia's rival Broadcom saw its stock tumble 17.4%.": ["AVGO down 0.174"],
    "Google parent Alphabet slumped 5.04%.": ["GOOGL down 0.0504"],
    "TSMC, which supplies Apple, fell 5%.": ["2330.TW down 0.05"],
    "Boeing, whose rival Airbus fell 5%, rose 2%.": ["AIR.PA down 0.05", "BA up 0.02"],
    "AMD, Nvidia's main rival in graphics chips, lost 6.4%.": ["AMD down 0.064"],
    "Unlike Nvidia, Apple rose 3.2%.": ["AAPL up 0.032"],
    "The Nvidia-backed startup fell 5%.": [],
    "A fund holding Nvidia fell 5%.": [],
    "Nvidia's suppliers fell 5%.": [],
    "UniCredit rose 2 per cent whereas Commerzbank fell 3 per cent.": ["UCG.MI up 0.02"],
    "After falling 17% on Monday, Nvidia rebounded 9% on Tuesday.": [
        f"NVDA down 0.17 {MONDAY}",
        "NVDA up 0.09 on 2025-01-28",
    ],
    # -- the sentence before --------------------------------------------------------------------
    "Boeing said it would cut jobs. Shares in the planemaker rose 2%.": ["BA up 0.02"],
    "Target cut its outlook. The retailer plunged 21%.": ["TGT down 0.21"],
    "Tesla's stock? Down 5%.": ["TSLA down 0.05"],
    "Nvidia warned on sales. Oil fell 3%.": [],
    "Nvidia warned on sales. The dollar fell 1%.": [],
    # -- market values, levels, points, volumes, yields -----------------------------------------
    "Nvidia's market capitalization shrank by $589 billion.": [
        "NVDA down 5.89e+11 market_value_change USD"
    ],
    "Investors wiped $100bn from Apple's value.": ["AAPL down 1e+11 market_value_change USD"],
    "Tesla's market value sank below $1 trillion.": ["TSLA at 1e+12 market_value USD below"],
    "Tesla is now worth $1.1 trillion.": ["TSLA at 1.1e+12 market_value USD"],
    "Nvidia closed at $118.42, down 17%.": ["NVDA at 118.42 level USD", "NVDA down 0.17"],
    "Nvidia hit a low of $113.01 on Tuesday.": ["NVDA at 113.01 level USD on 2025-01-28"],
    "Tesla gained $12.30, or 3.1%.": ["TSLA up 12.3 price_change USD", "TSLA up 0.031"],
    "HSBC was 2.1p lower at 612.4p.": [
        "HSBA.L down 0.021 price_change GBP",
        "HSBA.L at 6.124 level GBP",
    ],
    "The S&P 500 lost 88.96 points, or 1.46%, to 6,012.28.": [
        "^GSPC down 88.96 index_points points",
        "^GSPC down 0.0146",
        "^GSPC at 6012.28 level points",
    ],
    "Boeing traded 45 million shares.": ["BA at 45000000 volume shares"],
    "More than 45 million shares of Boeing changed hands.": [
        "BA at 45000000 volume shares more than"
    ],
    "10-year Treasury yields fell 9 basis points to 4.53%.": [
        "^TNX down 0.0009 yield fraction",
        "^TNX at 0.0453 yield fraction",
    ],
    "The 10-year Treasury yield slipped from 4.5% to 4.3%.": ["^TNX at 0.043 yield fraction"],
    # -- words for numbers ----------------------------------------------------------------------
    "Intel lost a fifth on Friday.": ["INTC down 0.2 on 2025-01-24"],
    "Intel has shed two fifths of its worth.": ["INTC down 0.4"],
    "Intel popped three and a quarter percent.": ["INTC up 0.0325"],
    "Apple was up half a percent.": ["AAPL up 0.005"],
    "Apple fell twenty-two percent.": ["AAPL down 0.22"],
    "Palantir nearly doubled last year.": ["PLTR up 1 nearly year 2024-12-31"],
    # -- when -----------------------------------------------------------------------------------
    "AMD was down as much as 9.6% before closing 6.4% lower.": [
        "AMD down 0.096 as much as intraday",
        "AMD down 0.064",
    ],
    "Nvidia was last down 15% in premarket trading.": ["NVDA down 0.15 premarket"],
    "Alphabet fell 7% after the bell on Tuesday.": ["GOOGL down 0.07 after_hours 2025-01-28"],
    "Tesla opened 5% lower.": ["TSLA down 0.05 open"],
    "Dell shares are up 20% this year.": ["DELL up 0.2 year_to_date 2025-01-28"],
    "Apple climbed 7% over five days.": ["AAPL up 0.07 sessions"],
    "Nvidia gained 171% in 2024 and fell 17% on Monday.": [
        "NVDA up 1.71 year 2024-12-31",
        f"NVDA down 0.17 {MONDAY}",
    ],
    "On Monday, Nvidia fell 17% and AMD lost 6%.": [
        f"NVDA down 0.17 {MONDAY}",
        f"AMD down 0.06 {MONDAY}",
    ],
    "Nvidia fell 17%, its worst day since March 2020.": ["NVDA down 0.17"],
    "Tesla jumped 22% on October 24, 2024.": ["TSLA up 0.22 on 2024-10-24"],
}
SILENT = (
    "Analysts expect Nvidia to fall 10%.",
    "Nvidia could lose another 10% if spending slows.",
    "Options imply a 7% move in Nvidia shares.",
    "Nvidia would have to fall 30% to reach its 200-day average.",
    "A 10% drop in Nvidia would hurt the index.",
    "If Nvidia were to lose 10%, funds would sell.",
    "Had Apple fallen 10%, funds would have sold.",
    "Traders braced for a 10% slide in Tesla.",
    "Uber seen falling 3% on ruling",
    "Nvidia did not fall 17%.",
    "Nvidia has yet to lose 10%.",
    "Netflix isn't down 9%.",
    "The report that Target shares slid 12% was false.",
    "Did Nvidia fall 17%?",
    "Tesla's deliveries dropped 13%.",
    "Tesla's sales in Europe fell 45% in January.",
    "Intel cut 15% of its staff.",
    "Nvidia's data-center business doubled.",
    "Walmart raised its dividend 13%.",
    "Berkshire cut its Apple stake by 13%.",
    "Nvidia holds 80% of the market.",
    "Sales at Ford and General Motors rose 3% and 4%, respectively.",
    "Uber added 5% more riders.",
    "Costco opened 23 warehouses, up 5%.",
    "Exxon Mobil earned $7.6 billion, down 10%.",
    "Boeing lost $11.8 billion last year.",
    "Apple bought back $25 billion of shares.",
    "Morgan Stanley cut its price target on Micron by 10%.",
    "Nvidia trades at a 20% discount to its peers.",
    "Nvidia shares are 25% below their peak.",
    "S&P 500 futures fell 2%.",
    "Futures tied to the S&P 500 slid 2.4% overnight.",
    "Inflation fell to 2.9% in December.",
    "He broke his arm and lost 10% of its strength.",
    "Visa applications dropped 30% in January.",
    "Oracle fell by double digits.",
)


@pytest.mark.parametrize(("text", "expected"), READ.items(), ids=str)
def test_a_sentence_claims_what_a_careful_reader_takes_from_it(text, expected):
    assert told(text) == expected


@pytest.mark.parametrize("text", SILENT)
def test_a_sentence_that_states_no_move_of_a_price_claims_nothing(text):
    assert told(text) == []


def test_figures_that_do_not_match_the_names_are_ambiguous_and_unsure():
    found = rows("Apple, Meta and Tesla rose 1% and 2%, respectively.")
    assert [row["is_ambiguous"] for row in found] == [True] * len(found)
    assert max(row["confidence"] for row in found) < 0.5


def test_a_figure_of_the_sentence_before_is_less_sure_than_one_with_its_name():
    (named,) = rows("The shares of Boeing rose 2%.")
    (referring,) = rows("Boeing cut jobs. Its shares rose 2%.")
    assert referring["pattern"] == "reference"
    assert referring["confidence"] < named["confidence"]


def test_the_place_of_a_claim_is_that_of_its_figure():
    text = "On Monday Nvidia\u2019s stock fell nearly 17%. Nobody knew why."
    (row,) = rows(text)
    assert text[row["start_offset"] : row["end_offset"]] == "nearly 17%"
    assert text[row["sentence_start"] : row["sentence_end"]] == text.partition(" Nobody")[0]


@pytest.mark.parametrize(
    ("text", "resolution", "bound"),
    [
        ("Nvidia fell 17.4%.", 0.001, "exact"),
        ("Nvidia fell nearly 17%.", 0.01, "nearly"),
        ("Nvidia fell over 17.25%.", 0.0001, "above"),
        ("Nvidia fell at least 17%.", 0.01, "at_least"),
        ("Nvidia fell less than 3%.", 0.01, "below"),
        ("Nvidia fell around 17%.", 0.01, "about"),
        ("Nvidia fell as much as 18%.", 0.01, "extreme"),
        ("Nvidia shed $589 billion.", 1e9, "exact"),
        ("Nvidia closed at $118.42.", 0.01, "exact"),
    ],
)
def test_the_last_digit_and_the_words_of_vagueness_are_kept(text, resolution, bound):
    (row,) = rows(text)
    assert row["resolution"] == pytest.approx(resolution, rel=1e-12)
    assert row["bound"] == bound


def test_a_figure_without_a_day_remembers_the_day_of_which_its_text_spoke_last():
    first, second = rows("Nvidia fell 17% on Monday. Broadcom lost 17.4%.")
    assert second["claimed_on"] is None
    assert str(first["told_on"]) == str(second["told_on"]) == "2025-01-27"
    later, earlier = rows("Advantest fell 11.1% on Tuesday after 8.6% on Monday.")
    (after,) = rows("Advantest fell 11.1% on Tuesday after 8.6% on Monday. Sony lost 2%.")[2:]
    assert str(after["told_on"]) == str(later["claimed_on"]) == "2025-01-28"
    assert str(earlier["claimed_on"]) == "2025-01-27"


def test_nothing_is_claimed_of_what_lies_ahead():
    assert told("Nvidia rose 5% next Monday.") == []


def test_without_a_date_of_publication_weekdays_stay_unknown():
    (row,) = rows("Nvidia fell 17% on Monday.", at=None)
    assert (row["period"], row["claimed_on"]) == ("day", None)


def test_the_same_text_gives_the_same_claims_with_the_same_keys():
    text = "Nvidia, Broadcom and Micron tumbled 17%, 17.4% and 11.7%. The Dow rose."
    assert rows(text) == rows(text)
    assert len({row["claim_id"] for row in rows(text)}) == 3
