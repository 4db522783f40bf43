"""From bytes to characters: byte-order marks, declared encodings, UTF-8, Windows-1252; no guess.

Not here: what the characters mean (text), how bytes are had (files, fetching).
"""

from __future__ import annotations

import codecs
import re

from resources.articles.text import UnreadableArticleError

_MARKS = (
    # The longer marks first: UTF-32's little-endian mark begins with UTF-16's.
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_BINARY = (
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"\x1f\x8b", "gzip"),
    (b"PK\x03\x04", "a zip archive"),
    (b"%PDF", "a PDF"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
    (b"\xd0\xcf\x11\xe0", "an Office document"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ", "xz"),
)
_NAMES = rb"(utf-?8|us-ascii|iso-8859-\d\d?|windows-125\d|shift_jis|euc-jp|euc-kr|gb2312|gbk|big5)"
# Only encodings of text: Python would also decode punycode, in quadratic time.
_DECLARED = {
    **dict.fromkeys(
        (".html", ".htm"), re.compile(rb"<meta[^>]{0,200}?charset=[\"' ]?" + _NAMES, re.IGNORECASE)
    ),
    ".xml": re.compile(rb"<\?xml[^>]{0,100}?encoding=[\"']" + _NAMES + rb"[\"']", re.IGNORECASE),
}
_CONTROL = re.compile(rb"[\x01-\x08\x0e-\x1a\x1c-\x1f]")
_NEAR, _MAX_CONTROL = 4096, 0.02
_LAST = 4
"""Bytes that the longest character has."""


def decoded_with_note(body: bytes, suffix: str) -> tuple[str, str | None]:
    """Return the characters of a file, and what had to be assumed for it.

    A byte-order mark decides, else what a page or XML document declares, else UTF-8. Bytes that
    declare nothing and hold no character of UTF-8 beyond ASCII are Windows-1252, as browsers read
    them, and the note says so; a character cut off at the end is dropped, and the note says so.
    Text that was decoded wrongly before it came here stays as it is.

    Parameters
    ----------
    body : bytes
        The file.
    suffix : str
        Its suffix, lower case: what kinds of declaration it may hold.

    Raises
    ------
    UnreadableArticleError
        The bytes are no text, or not in the encoding they declare.
    """
    mark, encoding = next(((m, e) for m, e in _MARKS if body.startswith(m)), (b"", ""))
    if not mark:
        _refuse_binary(body)
        pattern = _DECLARED.get(suffix)
        declared = pattern.search(body[:_NEAR]) if pattern else None
        encoding = declared[1].decode().lower() if declared else ""
    try:
        return body[len(mark) :].decode(encoding or "utf-8"), None
    except UnicodeDecodeError as error:
        return _second_reading(body[len(mark) :], encoding, error)


def _second_reading(
    body: bytes, encoding: str, error: UnicodeDecodeError
) -> tuple[str, str | None]:
    """Return what a file holds whose bytes are not all in its encoding."""
    cause = f"bad encoding: byte {error.start} is not {encoding or 'utf-8'}"
    if _is_cut_off(body, error):
        note = "cut off: its last character was incomplete and is dropped"
        return body[: error.start].decode(encoding or "utf-8"), note
    if encoding:
        raise UnreadableArticleError(cause) from error
    if re.search(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}", body):
        raise UnreadableArticleError(f"{cause}, though others are") from error
    try:
        text = body.decode("cp1252")
    except UnicodeDecodeError:
        raise UnreadableArticleError(f"{cause}, and not all are windows-1252") from error
    return text, f"read as windows-1252: byte {error.start} is not utf-8"


def _is_cut_off(body: bytes, error: UnicodeDecodeError) -> bool:
    is_last = error.end == len(body) and 0 < len(body) - error.start < _LAST
    return is_last and bool(re.search("end|truncated|incomplete", error.reason))


def _refuse_binary(body: bytes) -> None:
    """Raise for bytes that are no text: a known signature, NUL bytes, many control characters."""
    kind = next((kind for start, kind in _BINARY if body.startswith(start)), None)
    # A word may begin with MZ or BZh: then only characters of text follow it.
    if kind == "a PDF" or (kind and re.search(rb"[\x00-\x08\x0e-\x1f\x80-\xff]", body[:_NEAR])):
        raise UnreadableArticleError(f"binary: it begins like {kind}")
    if (zero := body.find(b"\x00")) >= 0:
        raise UnreadableArticleError(f"binary: byte {zero} is NUL")
    head = body[:_NEAR]
    if len(_CONTROL.findall(head)) > _MAX_CONTROL * len(head):
        raise UnreadableArticleError("binary: full of control characters")
