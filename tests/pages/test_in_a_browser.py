"""The page in a real browser: what was planted does nothing, what is clicked is sorted."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")
PLANTED = "<script>document.title='taken'</script><img src=x onerror=\"document.title='taken'\">"

pytestmark = pytest.mark.skipif(BROWSER is None, reason="no chromium on this machine")


@pytest.fixture
def opened(tmp_path):
    """Open a page, run a script of the test's in it, and return the document that follows."""

    def run(page, script="", *, allowed=True):
        # The policy forbids scripts but the page's own; the test's stands in for a user's hand.
        policy = "script-src &#39;unsafe-inline&#39;"
        text = re.sub("script-src &#39;.*?&#39;", policy, page) if allowed else page
        path = tmp_path / "page.html"
        path.write_text(text.replace("</body>", f"<script>{script}</script></body>"))
        done = subprocess.run(  # noqa: S603 - a fixed program on our own file
            [
                *(BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"),
                *(f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=2000"),
                path.as_uri(),
            ],
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
        return done.stdout

    return run


def test_planted_markup_is_shown_and_not_run(opened, page, market, fell, article):
    market.con.execute("UPDATE core.instruments SET name = ?", [PLANTED])
    fell()
    article(title=PLANTED, source=PLANTED)
    shown = opened(page(event_name=PLANTED))
    assert "<title>taken" not in shown
    assert "&lt;script&gt;document.title='taken'&lt;/script&gt;" in shown


def test_a_click_on_a_heading_sorts_by_figures_and_says_so(opened, page, fell):
    fell("XNAS:NVDA", simple_return=-0.17, trough_return=-0.17)
    fell("XTKS:6857.T", simple_return=-0.09, trough_return=-0.09)
    fell("ARCX:SPY", simple_return=-0.1, trough_return=-0.1)
    click = (
        "const t = document.querySelector('#instruments table');"
        "t.tHead.rows[0].cells[4].firstChild.click();"
        "t.tHead.rows[0].cells[4].firstChild.click();"
    )
    shown = opened(page(), click)
    table = shown.partition('id="instruments"')[2].partition("<tbody>")[2].partition("</tbody>")[0]
    first = [re.sub("<[^>]+>", "", row.partition("</td>")[0]) for row in table.split("<tr>")[1:]]
    assert first == ["6857.T", "SPY", "NVDA"]
    assert 'aria-sort="descending"' in shown


def test_the_pages_own_script_is_allowed_by_its_own_policy(opened, page, fell):
    fell()
    shown = opened(page(), "document.title='taken'", allowed=False)
    assert "<button>ticker</button>" in shown
    assert "<title>taken" not in shown
