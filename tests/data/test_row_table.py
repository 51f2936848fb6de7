"""Rows by name in a file that several runs continue."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monai_harmonize.data import InputError
from monai_harmonize.data.row_table import RowTable

COLUMNS = ("name", "colour", "size")


def table(folder: Path) -> RowTable:
    return RowTable(folder / "rows.csv", COLUMNS, "table of a test")


def test_rows_come_and_are_replaced_in_their_places(tmp_path: Path) -> None:
    first = table(tmp_path)
    assert first.known() == {}
    for name in ("a", "b", "c"):
        first.put_row({"name": name, "colour": f"of {name}"})
    other = table(tmp_path)
    other.put_row({"name": "b", "size": "2"})
    assert list(other.known()) == ["a", "b", "c"]
    assert other.known()["b"] == {"name": "b", "colour": "", "size": "2"}
    other.drop({"a", "x"})
    other.put_row({"name": "a"})
    assert list(table(tmp_path).known()) == ["b", "c", "a"]
    assert (tmp_path / "rows.csv").read_text().splitlines()[0] == "name,colour,size"


def test_a_line_that_an_interruption_tore_is_left_out(tmp_path: Path) -> None:
    made = table(tmp_path)
    made.put_row({"name": "a", "colour": "red"})
    made.put_row({"name": "b", "colour": "blue"})
    path = tmp_path / "rows.csv"
    path.write_text(path.read_text()[:-3])
    again = table(tmp_path)
    assert list(again.known()) == ["a"]
    again.put_row({"name": "b", "colour": "green"})
    assert again.known()["b"]["colour"] == "green"
    assert len(path.read_text().splitlines()) == 3


def test_what_is_no_table_is_named(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="no table of a test"):
        table(tmp_path).known()


@given(texts=st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), max_size=9)))
def test_texts_come_back(texts: list[str], tmp_path_factory) -> None:
    made = table(tmp_path_factory.mktemp("table"))
    for number, text in enumerate(texts):
        made.put_row({"name": f"n{number}", "colour": text})
    assert [row["colour"] for row in made.known().values()] == texts
