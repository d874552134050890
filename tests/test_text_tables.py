"""Tables saved by spreadsheets, R, pandas and people: one parser, and one clear error if it fails."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pandas as pd
import pytest

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.text_tables import header_of, is_missing, read_rows, rows_of

WANTED = [["label", "run"], ["face", "1"], ["big house", "2"]]


def rows(text: str, name: str = "t.tsv") -> list[list[str]]:
    return rows_of(text, Path(name), "table")


def named(text: str, name: str = "t.tsv") -> list[list[str]]:
    columns, cells = header_of(rows(text, name), Path(name), "table")
    return [columns, *cells]


@pytest.mark.parametrize(
    "text",
    [
        "label\trun\nface\t1\nbig house\t2\n",
        "label\trun\r\nface\t1\r\nbig house\t2\r\n",  # Windows
        "label\trun\rface\t1\rbig house\t2",  # classic Mac OS, no final end of line
        "\n label , run \n face, 1\n\nbig house,2\n",
        '"label";"run"\n"face";"1"\n"big house";2\n',
        "sep=;\nlabel;run\nface;1\nbig house;2\n",  # Excel
        "label\trun\t\nface\t1\t\nbig house\t2\t\n",  # an empty column of a spreadsheet
        "label\trun\nface\t1\t\nbig house\t2\t\n",
        '"label" "run"\n"1" "face" 1\n"2" "big house" 2\n',  # R: write.table
        '"label"\t"run"\n"1"\t"face"\t1\n"2"\t"big house"\t2\n',
        '"","label","run"\n"1","face",1\n"2","big house",2\n',  # R: write.csv
        ",label,run\n0,face,1\n1,big house,2\n",  # pandas: to_csv
    ],
)
def test_table_is_read_from_any_program(text):
    assert named(text) == WANTED


def test_tables_from_pandas_and_csv_are_read_unchanged():
    cells = [["a, b; c", 'say "x"', "größe 日本", "line\tbreak"], ["1", "01", " ", "#"]]
    for delimiter in "\t;,":
        buffer = io.StringIO()
        csv.writer(buffer, delimiter=delimiter).writerows([list("wxyz"), *cells])
        assert rows(buffer.getvalue())[1:] == [cells[0], ["1", "01", "", "#"]]
    frame = pd.DataFrame(cells, columns=list("wxyz"))
    assert rows(frame.to_csv(sep="\t", index=False))[1] == cells[0]


def test_byte_order_mark_and_unicode_forms_are_normalized(tmp_path):
    path = tmp_path / "t.tsv"
    path.write_bytes(b"\xef\xbb\xbf" + "label\trun\ncafe\u0301\t1\n".encode())
    assert read_rows(path, "table") == [["label", "run"], ["caf\u00e9", "1"]]


def test_quotation_mark_in_text_is_preserved():
    assert rows('label\trun\n"face\t1\nhouse\t2\n') == [["label", "run"], ['"face', "1"], ["house", "2"]]


def test_single_column_may_contain_spaces_and_row_names_may_lack_a_header():
    assert rows("label\nbig house\nface\n", "t.tsv") == [["label"], ["big house"], ["face"]]
    assert rows('"label"\n"1"\t"face"\n"2"\t"big house"\n') == [["label"], ["face"], ["big house"]]
    # a column without a name is not a column of row names
    with pytest.raises(InputError, match=r"row 1 of t.tsv has 3, the header 2"):
        rows("label\trun\nface\t1\tx\nhouse\t2\ty\n")


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"label\trun\tlabel\na\t1\tb\n", "must be unique; t.tsv has 'label' 2 times"),
        ("caf\u00e9\tcafe\u0301\na\tb\n".encode(), "has 'caf\u00e9' 2 times"),
        (b'"run";"run";"run"\n1;2;3\n', "'run' 3 times"),
        ("label\trun\na\t1\n".encode("utf-16"), "readable text file in UTF-8"),
        ("label\trun\na\t1\n".encode("utf-16-le"), "contains zero bytes, as UTF-16"),
        ("gr\u00f6\u00dfe\trun\n".encode("latin-1"), "Save it as UTF-8"),
        (b"label\trun\na\n", "row 1 of t.tsv has 1, the header 2"),
        (b"", "must have a header"),
        (b"\n \n", "must have a header"),
        (b"x" * 200_000 + b'\ty\n"' + b"z" * 200_000, "must be a text table"),
    ],
)
def test_invalid_table_gives_one_error(tmp_path, raw, message):
    path = tmp_path / "t.tsv"
    path.write_bytes(raw)
    with pytest.raises(InputError, match=message):
        header_of(read_rows(path, "table"), path, "table")


def test_missing_values_in_all_spellings():
    for cell in ("", " ", "n/a", "N/A", "nan", "NaN", "NAN", "NA", "None", "null", "NULL", "<NA>", "#N/A"):
        assert is_missing(cell), cell
    for cell in ("0", "rest", "nana", "nothing", "-", "."):
        assert not is_missing(cell), cell
