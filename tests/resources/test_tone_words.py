"""Reading the master dictionary; its layout is the authors', every word here is invented."""

from __future__ import annotations

import pytest

from resources.tone_words import ToneWordsError, read_tone_words

HEAD = "Word,Seq_num,Negative,Positive,Uncertainty,Source\n"


@pytest.fixture
def written(tmp_path):
    def write(text, encoding="utf-8"):
        path = tmp_path / "words.csv"
        path.write_bytes(text.encode(encoding))
        return path

    return write


def test_a_year_puts_a_word_on_a_list_and_a_negative_year_takes_it_off(written):
    path = written(f"{HEAD}grok,1,2009,0,2014,x\nBLIF,2,0,2011,0,x\nZAR,3,-2020,0,0,x\n")
    words = read_tone_words(path)
    assert words.negative == words.uncertain == {"GROK"}
    assert words.positive == {"BLIF"}


def test_a_byte_order_mark_is_no_part_of_the_first_column(written):
    path = written(f"{HEAD}GROK,1,2009,0,0,x\n", "utf-8-sig")
    assert read_tone_words(path).negative == {"GROK"}


def test_without_a_file_the_lists_are_empty():
    words = read_tone_words(None)
    assert words.positive == words.negative == words.uncertain == frozenset()


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("Word,Negative\nGROK,1\n", "no column Positive, Uncertainty"),
        ("", "no column Word"),
        (f"{HEAD}GROK,1,2009,0,0,x\nBLIF,2,no,0,0,x\n", "row 3: Negative is no year: 'no'"),
        (f"{HEAD}GROK,1,2009\n", "row 2: Positive is no year: None"),
        (f"{HEAD}GROK,1,0,0,0,x\n", "no word is on"),
    ],
)
def test_a_bad_file_is_named_with_its_row_and_cause(written, text, cause):
    path = written(text)
    with pytest.raises(ToneWordsError, match=cause) as error:
        read_tone_words(path)
    assert str(path) in str(error.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ToneWordsError, match=r"none\.csv cannot be read"):
        read_tone_words(tmp_path / "none.csv")


def test_a_file_in_another_encoding_is_named(written):
    with pytest.raises(ToneWordsError, match="cannot be read"):
        read_tone_words(written(f"{HEAD}GR\xd6K,1,2009,0,0,x\n", "latin-1"))
