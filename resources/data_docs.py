"""Great Expectations' Data Docs as one page that can be opened anywhere.

As shipped, Great Expectations 1.24 writes unexpected values into its pages as they are, so that a
ticker called `<script>` runs, and loads style and scripts from eight foreign hosts, without which
the site's index is empty. Here its renderers make the sections; the values in them are escaped
before, what is left but text and tables is cut out after, and the page forbids the rest.

To make a table's section takes a tenth of a second: one that the page holds already, of the same
counts, is taken from there.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from copy import deepcopy
from functools import cache
from importlib.metadata import version
from numbers import Number
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resources import summary
from resources.summary import Summary

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

LONGEST_VALUE = 200
TEXT = frozenset({"br", "code", "div", "h5", "h6", "i", "li", "p", "span", "strong", "ul"})
TABLES = frozenset({"table", "tbody", "td", "th", "thead", "tr"})
# A reader without the site's fonts and icons still tells what was met from what was not.
STYLE = """
:root { color-scheme: light dark; --line: #8884; --good: #1a7f37; --bad: #cf222e; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; }
h2 { font-size: 1.3rem; margin-top: 3rem; padding-top: 1rem; border-top: 2px solid; }
h5, h6, p { margin: 0; font-size: 1rem; }
.alert { margin: 1.5rem 0 .5rem; }
.alert h5 { font-size: 1.1rem; }
table { border-collapse: collapse; width: 100%; }
th, td { border: 1px solid var(--line); padding: .3rem .6rem; text-align: left; }
td { vertical-align: top; overflow-wrap: anywhere; }
td table { width: auto; margin: .5rem 0; }
td:first-child:nth-last-child(3), th:first-child:nth-last-child(3) { width: 5rem; }
td:nth-child(3), th:nth-child(3) { width: 14rem; }
.badge, code { font: .9em ui-monospace, monospace; background: #8882; padding: 0 .3em; }
.text-success, .met { color: var(--good); }
.text-danger, .text-warning, .missed { color: var(--bad); }
i { font-style: normal; }
.fa-check-circle::before { content: "met"; }
.fa-times::before { content: "not met"; }
.fa-exclamation-triangle::before { content: "not tried"; }
"""
# A section made of counts says of which: nothing in it can end it, all values are escaped.
KNOWN = re.compile(r'<section data-of="(?P<key>\w{64})">.*?</section>', re.DOTALL)
POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; style-src 'sha256-{digest}'"
PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Data Docs</title>
<style>{style}</style>
</head>
<body>
<h1>What was delivered, held against the contracts</h1>
<p>The last load of each table as it came, looked at on {at:%Y-%m-%d %H:%M} UTC. Rows that
break a rule are in quarantine.</p>
<ul>
{contents}
</ul>
{sections}
</body>
</html>
"""


def write(folder: Path, results: Sequence[Any], *, at: datetime) -> Path:
    """Write the page to `folder`/index.html, whole or not at all; return its path.

    Parameters
    ----------
    folder : Path
        Made where it is missing.
    results : sequence of ExpectationSuiteValidationResult or Summary
        One per table, in the order of the page; see `expectations.validate`, `summary.summaries`.
    at : datetime
        When the loads were looked at, naive UTC.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "index.html"
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    written = path.with_suffix(".writing")
    written.write_text(page(results, at=at, before=before), encoding="utf-8")
    return written.replace(path)


def page(results: Sequence[Any], *, at: datetime, before: str = "") -> str:
    """Return the page: no script, no link but to its own sections, every value escaped.

    Sections of summaries that the page `before` holds are taken from it.
    """
    from great_expectations.render.view.view import DefaultJinjaSectionView

    view = DefaultJinjaSectionView()  # one for all: each compiles its templates anew
    known = {found["key"]: found.group() for found in KNOWN.finditer(before)}
    digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    return PAGE.format(
        policy=POLICY.format(digest=digest),
        style=STYLE,
        at=at,
        contents="\n".join(_entry(result) for result in results),
        sections="\n".join(_shown(result, view, known) for result in results),
    )


def _entry(result: Any) -> str:
    """Return a table's line in the contents."""
    name = html.escape(result.suite_name)
    return f'<li><a href="#{name}">{name}</a>: {_summary(result)}</li>'


def _summary(result: Any) -> str:
    """Return how many expectations were met."""
    counts = result.statistics
    met, tried = counts["successful_expectations"], counts["evaluated_expectations"]
    mark = "met" if met == tried else "missed"
    return f'<span class="{mark}">{met} of {tried} expectations met</span>'


def _shown(result: Any, view: Any, known: dict[str, str]) -> str:
    """Return a result's section, the one that is known where it is of the same counts."""
    if not isinstance(result, Summary):
        return _section(result, view, "<section>")
    key = key_of(result)
    return known.get(key) or _section(result.validated(), view, f'<section data-of="{key}">')


def key_of(counted: Summary) -> str:
    """Return what a section is known by: the same counts, shown by the same code, look the same."""
    text = json.dumps([counted.table, sorted(counted.counts.items()), _form()])
    return hashlib.sha256(text.encode()).hexdigest()


@cache
def _form() -> str:
    """Return a hash of what turns counts into a section: that module, this, Great Expectations."""
    code = b"".join(Path(module).read_bytes() for module in (summary.__file__, __file__))
    return hashlib.sha256(code + version("great-expectations").encode()).hexdigest()


def _section(result: Any, view: Any, begin: str) -> str:
    """Return what the renderers of Great Expectations say of one table, made harmless."""
    from great_expectations.render.renderer.page_renderer import ValidationResultsPageRenderer

    document = ValidationResultsPageRenderer().render(_with_escaped_values(result))
    # The first section is a summary whose links lead to pages that are not made.
    rendered = [
        view.render({"section": section.to_json_dict(), "section_loop": {}})
        for section in document.sections[1:]
    ]
    name = html.escape(result.suite_name)
    head = f'<h2 id="{name}">{name}</h2>\n<p>{_summary(result)}</p>'
    return f"{begin}\n{head}\n{_cleaned(''.join(rendered))}\n</section>"


def _with_escaped_values(result: Any) -> Any:
    """Return a copy of a result in which every value that came from outside is escaped."""
    safe = deepcopy(result)
    for item in safe.results:
        item.result = _escaped(item.result)
    return safe


def _escaped(value: Any) -> Any:
    """Return a value as it may stand in a page: numbers as they are, all else as short text."""
    from resources.articles.text import clean

    if isinstance(value, dict):
        return {key: _escaped(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_escaped(each) for each in value]
    if value is None or isinstance(value, Number):
        return value
    text = clean(", ".join(map(str, value)) if isinstance(value, tuple) else str(value))
    shown = text if len(text) <= LONGEST_VALUE else text[:LONGEST_VALUE] + "…"
    return html.escape(shown)


def _cleaned(markup: str) -> str:
    """Return markup with text and tables alone: no script, image, style, link or handler."""
    from lxml.html import fragment_fromstring, tostring

    root: Any = fragment_fromstring(f"<div>{markup}</div>")
    for element in list(root.iter()):
        # What only a script could open holds the trace of an error: folders of this machine.
        if element.tag not in TEXT | TABLES or "collapse" in element.classes:
            element.drop_tree()
        for name in set(element.attrib) - {"class"}:
            del element.attrib[name]
    return str(tostring(root, encoding="unicode"))
