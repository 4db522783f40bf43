"""What a page says of a sell-off, and that nothing written elsewhere can act through it."""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import date, datetime, timedelta

import pytest
from lxml import html as parser

from pages.documents import address, render
from warehouse.tables import table

MINUS = "\N{MINUS SIGN}"
DAY = date(2025, 1, 27)


def text_of(page):
    """Return what a reader reads."""
    root = parser.document_fromstring(page)
    for unseen in root.xpath("//script | //style"):
        unseen.drop_tree()
    return " ".join(root.text_content().split())


def test_it_says_in_four_sentences_what_happened(page, fell, article):
    fell()
    article()
    leads = [
        " ".join(lead.text_content().split())
        for lead in parser.document_fromstring(page()).xpath("//p[@class='lead']")
    ]
    assert leads == [
        (
            f"On 27 January 2025 SPY fell 1.41% (z {MINUS}1.60, 96% of its sessions so far were no "
            f"worse), with an abnormal z of {MINUS}2 or less at 1 of the 2 members watched: a "
            "sell-off of one sector, found by the breadth of falls and a sector's fall at 1.50 "
            "times the limit."
        ),
        (
            "The members together lost 1,083.0 billion USD of market value, 605.1 billion USD "
            "beyond what the market explains; the largest loss beyond the market was that of "
            f"NVIDIA Corporation (NVDA): {MINUS}16.97%, abnormal z {MINUS}5.83, 592.7 billion USD "
            "lost."
        ),
        (
            "It came from Information Technology and showed first at 6857.T in Japan (close of "
            "2025-01-27 06:30 UTC)."
        ),
        (
            "By 28 January 2025 0 of the 1 equities that fell had at some close been back where "
            "they were before, and 1 had made up half; of 1 figures in 1 article the prices bear "
            "out 1 and contradict 0."
        ),
    ]


def test_every_part_names_its_table_its_vintage_and_its_release(page, fell, market):
    fell()
    market.put(
        table("meta.releases"),
        release_id="20250201T070000.000000Z",
        published_at=datetime.fromisoformat("2025-02-01 07:00"),
        code_version="abc",
        as_of=datetime.fromisoformat("2025-02-01 06:00"),
    )
    root = parser.document_fromstring(page())
    cites = [" ".join(each.text_content().split()) for each in root.xpath("//p[@class='cite']")]
    assert "mart.event_losses, as of 2025-02-01 06:00 UTC, release 20250201T070000.000000Z" in cites
    assert all("release 20250201T070000.000000Z" in cite for cite in cites)
    assert len(cites) >= len(root.xpath("//section")) - 1


def test_every_picture_has_a_title_a_description_and_a_table_behind_it(page, fell):
    fell()
    root = parser.document_fromstring(page())
    pictures = root.xpath("//figure//svg")
    assert {each.getparent().getparent().getparent().get("id") for each in pictures} == {
        "prices",
        "losses",
        "recovery",
    }
    for picture in pictures:
        names = picture.get("aria-labelledby").split()
        for name in names:
            (words,) = picture.xpath(f".//*[@id='{name}']")
            assert words.text_content().strip()
        section = picture.xpath("ancestor::section")[0]
        assert section.xpath(".//details//tbody/tr")
    names = root.xpath("//@id")
    assert len(names) == len(set(names))


def test_figures_that_are_not_known_leave_parts_out_and_break_nothing(page):
    unknown = dict.fromkeys(
        (
            *("market_return", "market_z", "market_severity", "breadth", "origin_sector"),
            *("worst_listing_id", "first_listing_id", "market_value_lost_usd"),
            *("abnormal_market_value_lost_usd", "threshold_multiple", "detected_by"),
        )
    )
    told = text_of(page(status="declared", event_name="DeepSeek", **unknown))
    assert "DeepSeek, 27 January 2025" in told
    assert "the market's return is not known" in told
    assert "None" not in told
    assert "nan" not in told.casefold().split()


def test_a_withdrawn_event_says_so_at_the_top_and_was_not_declared(page):
    told = text_of(page(status="withdrawn"))
    assert "This event was withdrawn" in told
    assert "declared by hand" not in told


@pytest.fixture
def on_record(market):
    """Put a loss of Nvidia's on record, with its rank at the time."""

    def put(day, rank):
        market.put(
            table("mart.market_value_losses"),
            listing_id="XNAS:NVDA",
            ticker="NVDA",
            session_date=day,
            previous_session_date=day,
            shares_known_on=day,
            market_value_lost_usd=592.7e9,
            market_value_usd=3e12,
            rank_in_history_so_far=rank,
        )

    return put


def test_a_loss_is_a_record_only_where_earlier_losses_are_known(page, fell, on_record):
    on_record(DAY, 1)
    fell()
    text = text_of(page())
    assert "one-day loss here since" not in text
    assert "since no earlier loss is on record here" in text


def test_a_record_says_since_when(page, fell, on_record):
    on_record(DAY, 1)
    on_record(date(2024, 1, 2), 2)
    fell()
    assert "the largest one-day loss here since 2 January 2024" in text_of(page())


def test_members_that_gained_together_did_not_lose_a_negative_amount(page):
    told = text_of(page(market_value_lost_usd=-50e9, market_return=0.0))
    assert "The members together gained 50.0 billion USD" in told
    assert "SPY ended where it was" in told


def test_what_has_no_room_on_the_page_is_said(page, market):
    for number in range(70):
        market.put(
            table("mart.contagion_paths"),
            event_id="sector-us-2025-01-27",
            closed_at=datetime.fromisoformat("2025-01-27 06:00") + timedelta(minutes=number),
            listing_id=f"XNAS:L{number}",
            ticker=f"L{number}",
        )
    assert "58 more closes have no room here, all are in mart.contagion_paths" in text_of(page())


def test_simulated_history_is_told_at_the_top_and_not_only_in_the_small_print(page, market):
    market.con.execute("UPDATE core.daily_prices SET is_simulated = session_date < '2025-01-27'")
    root = parser.document_fromstring(page(has_simulated_inputs=True))
    (warning,) = root.xpath("//header//p[@class='warning']")
    assert "Closes and volumes from 2025-01-27 on are real" in warning.text_content()


def test_each_claim_stands_with_its_verdict(page, article):
    article()
    root = parser.document_fromstring(page())
    (row,) = root.xpath("//table[@class='claims']/tbody/tr")
    cells = [" ".join(cell.text_content().split()) for cell in row]
    assert cells == [
        "Nvidia fell 17% on Monday.",
        "NVDA, price change",
        f"{MINUS}17.50% to {MINUS}16.50%",
        f"{MINUS}16.97%",
        "borne out142.62 to 118.42",
    ]


def test_data_quality_is_told(page, market):
    market.put(
        table("meta.dq_results"),
        run_id="r",
        table_name="core.daily_prices",
        check_name="bars_are_plausible",
        is_passed=False,
        severity="WARN",
        n_rows=1234,
        n_violations=56,
        checked_at=datetime.fromisoformat("2025-02-01 06:00"),
    )
    told = text_of(page())
    assert "bars are plausible" in told
    assert "1,234" in told
    assert "3 of the bars behind the event's own figures are flagged" in told


HOSTILE = '<script>alert("x")</script><img src=x onerror=alert(1)>\u202egnp.exe\u2066'


@pytest.fixture
def hostile_page(page, market, fell, article):
    """A page every text of which wants to do something."""
    market.con.execute("UPDATE core.instruments SET name = ?, ticker = ?", [HOSTILE, HOSTILE[:25]])
    fell(sector=HOSTILE, ticker=HOSTILE[:25])
    article(text=HOSTILE, title=HOSTILE, source=HOSTILE, author=HOSTILE, location="javascript:x()")
    market.con.execute("UPDATE mart.claim_checks SET reason = ?", [HOSTILE])
    return page(event_name=HOSTILE, origin_sector=HOSTILE, hardest_hit_sector=HOSTILE)


def test_no_text_from_outside_becomes_markup(hostile_page):
    root = parser.document_fromstring(hostile_page)
    assert len(root.xpath("//script")) == 1
    assert not root.xpath("//img | //iframe | //object | //embed | //form | //base | //link")
    assert not [name for name in root.xpath("//@*/..") for name in name.attrib if name[:2] == "on"]
    assert '<script>alert("x")</script>' in text_of(hostile_page)


def test_characters_that_turn_the_reading_direction_are_gone(hostile_page):
    assert not re.search("[\u202a-\u202e\u2066-\u2069\u200e\u200f]", hostile_page)


def test_only_addresses_of_the_web_become_links(hostile_page):
    links = parser.document_fromstring(hostile_page).xpath("//a/@href")
    assert not [link for link in links if link[:1] != "#" and link != "index.html"]


@pytest.mark.parametrize(
    "location",
    [
        *("javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "//evil.example/x"),
        *("https://", "http://[::1", "", None, "vbscript:x", " javascript:x", "JAVASCRIPT:x"),
    ],
)
def test_what_is_no_address_of_the_web_is_not_linked(location):
    assert address(location) is None


def test_an_address_of_the_web_is_linked(page, article):
    article()
    (link,) = parser.document_fromstring(page()).xpath("//article//a")
    assert link.get("href") == "https://example.org/a1"
    assert set(link.get("rel").split()) == {"noopener", "noreferrer", "nofollow"}


def test_the_policy_lets_nothing_in_but_the_pages_own_style_and_script(page):
    text = page()
    root = parser.document_fromstring(text)
    (policy,) = root.xpath("//meta[@http-equiv='Content-Security-Policy']/@content")
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["base-uri"] == rules["form-action"] == "'none'"
    for tag, rule in (("style", "style-src"), ("script", "script-src")):
        ((inner),) = re.findall(f"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(inner.encode()).digest()).decode()
        assert rules[rule] == f"'sha256-{digest}'"
    # The policy forbids attributes that style, so one would silently do nothing.
    assert not root.xpath("//@style")


def test_the_page_asks_nobody_for_anything(page, fell, article):
    fell()
    article()
    root = parser.document_fromstring(page())
    assert not root.xpath("//@src | //@srcset | //@poster | //@action | //link/@href")
    (style,) = root.xpath("//style/text()")
    assert "url(" not in style
    assert "@import" not in style


def test_a_page_with_five_hundred_instruments_is_under_a_megabyte_and_a_half(page, market, fell):
    for number in range(520):
        listing_id = f"XNYS:T{number:03}"
        market.put(
            table("core.instruments"),
            listing_id=listing_id,
            ticker=f"T{number:03}",
            name=f"The Company Number {number:03} Incorporated",
            currency="USD",
            asset_class="equity",
            registered_from="prices",
        )
        fell(listing_id, market_value_lost_usd=1e9 * number, abnormal_z=-number / 100)
    text = page()
    root = parser.document_fromstring(text)
    rows = root.xpath("//section[@id='instruments']//tbody/tr")
    assert 250 <= len(rows) <= 500
    assert f"{520 - len(rows)} more have no room here" in text_of(text)
    assert len(text.encode()) < 1_500_000
    # The largest losses of value are among them.
    assert "T519" in text


def test_sorting_has_the_figures_and_not_their_rounding(page, fell):
    fell(simple_return=-0.16968167)
    root = parser.document_fromstring(page())
    assert "-0.16968167" in root.xpath("//section[@id='instruments']//td/@data-v")


def test_it_is_the_same_page_twice(happened, fell, market):
    from pages.event_page import event_page
    from pages.findings import findings

    fell()
    first = event_page(happened())
    assert event_page(findings(market.con, "sector-us-2025-01-27")) == first


def test_a_template_that_asks_for_what_is_not_there_fails_loudly():
    from jinja2 import UndefinedError

    with pytest.raises(UndefinedError):
        render("event.html", title="no more")


def test_dates_are_kept_apart_from_minus_signs(page):
    assert "2025-01-27" in page(first_fell_at=datetime.fromisoformat("2025-01-27 06:30"))
    assert str(date(2025, 1, 27)) == "2025-01-27"
