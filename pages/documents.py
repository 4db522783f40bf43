"""Pages as files: the templates, the style, the policy that forbids everything else.

Text from outside is escaped by the templates and cleaned of what cannot be seen (control and
bidirectional characters); the policy then lets no script, style or image in but the page's own.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from markupsafe import Markup

from resources.articles.cleaning import clean

if TYPE_CHECKING:
    from jinja2 import Environment

HERE = Path(__file__).parent / "templates"
POLICY = (
    "default-src 'none'; base-uri 'none'; form-action 'none'; style-src 'sha256-{style}'; "
    "script-src 'sha256-{script}'"
)
_LINKED = {"http", "https"}


def render(template: str, **given: Any) -> str:
    """Return a page: the named template, with the house's style and script inside."""
    style, script = _text("style.css"), _text("script.js")
    page = _environment().get_template(template)
    return page.render(
        **given,
        policy=POLICY.format(style=_digest(style), script=_digest(script)),
        style=Markup(style),  # noqa: S704 - a file of this repository
        script=Markup(script),  # noqa: S704 - as above
    )


def write(path: Path, page: str) -> Path:
    """Write a page whole or not at all; return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    staged = path.with_name(f".{path.name}.writing")
    staged.write_text(page, encoding="utf-8")
    return staged.replace(path)


def address(location: str | None) -> str | None:
    """Return where a text was published, if that is an address a browser may be sent to.

    >>> address("javascript:alert(1)") is None
    True
    """
    try:
        parts = urlsplit(location or "")
    except ValueError:
        return None
    return location if parts.scheme in _LINKED and parts.hostname else None


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    found = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finished,
    )
    found.filters["address"] = address
    return found


def _finished(value: Any) -> Any:
    """Return what a template writes: cleaned, unless it is markup that we made."""
    if value is None:
        return ""
    return clean(value) if isinstance(value, str) and not isinstance(value, Markup) else value


@cache
def _text(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
