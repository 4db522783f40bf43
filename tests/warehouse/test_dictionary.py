"""Whether the dictionary says what the contracts say, and notices when it does not."""

from __future__ import annotations

import pytest

from warehouse import dictionary
from warehouse.tables import TABLES


def test_the_dictionary_in_the_repository_is_that_of_the_contracts():
    dictionary.main(["--check"])


def test_it_is_the_same_text_every_time(tmp_path):
    paths = [tmp_path / "one.md", tmp_path / "two.md"]
    for path in paths:
        dictionary.main([], path)
    assert paths[0].read_bytes() == paths[1].read_bytes()


@pytest.mark.parametrize("text", [None, "", "# Dictionary"])
def test_a_dictionary_that_differs_ends_the_check_with_one_line(tmp_path, text):
    path = tmp_path / "dictionary.md"
    if text is not None:
        path.write_text(text)
    with pytest.raises(SystemExit) as left:
        dictionary.main(["--check"], path)
    assert left.value.code == (
        "dictionary.md differs from the contracts: run `python -m warehouse.dictionary`"
    )
    assert path.exists() == (text is not None)


def test_every_table_and_column_stands_in_it():
    lines = dictionary.dictionary().splitlines()
    for table in TABLES:
        start = lines.index(f"### {table.qualified}")
        end = next((n for n, line in enumerate(lines) if n > start and line.startswith("##")), None)
        chapter = lines[start:end]
        assert table.doc in chapter
        named = [line.split("`")[1] for line in chapter if line.startswith("| `")]
        assert named == list(table.column_names)


def test_a_price_stands_with_unit_and_rule():
    assert (
        "| `close` | DOUBLE | currency per share |  | `close > 0` | Last price of the session, "
        "as delivered (vendors restate it at splits). |"
    ) in dictionary.dictionary().splitlines()


def test_a_view_stands_with_its_doc_and_its_query():
    text = dictionary.dictionary()
    chapter = text[text.index("### mart.event_losses") :]
    assert "worst first, ready to chart" in chapter
    assert "FROM mart.selloff_metrics AS m" in chapter


def test_every_macro_stands_with_what_it_shows():
    text = dictionary.dictionary()
    chapter = text[text.index("## As it was known") :].splitlines()
    named = [line.split("`")[1] for line in chapter if line.startswith("- `")]
    assert "core.daily_prices_as_of(ts)" in named
    assert "core.prices_total_return_as_of(ts)" in named
    assert all(line.partition(": ")[2] for line in chapter if line.startswith("- `"))
