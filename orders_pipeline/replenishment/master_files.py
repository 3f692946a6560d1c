"""Reads a merchant's table, CSV or XLSX, into typed rows; every complaint names file, row and column.

What the columns are stands in ``master.py``.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from orders_pipeline.settings import UserError

Parse = Callable[[str], Any]


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its English name, the Chinese headers that mean the same, how to read a cell, whether it must be there."""

    name: str
    headers: tuple[str, ...]
    parse: Parse
    required: bool = False


def find_table(folder: Path, stem: str) -> Path | None:
    """The file of that name, .csv or .xlsx; None where there is none. Raises UserError where there are both."""
    found = [path for path in (folder / f"{stem}.csv", folder / f"{stem}.xlsx") if path.is_file()]
    if len(found) > 1:
        raise UserError(f"{folder}: both {found[0].name} and {found[1].name} are there: keep one of them.")
    return found[0] if found else None


def read_table(file: Path, columns: Sequence[Column]) -> list[dict[str, Any]]:
    """The rows that are not blank, keyed by English column name; empty cells are None.

    Raises UserError for an unknown file format, a missing column, or a cell that cannot be read.
    """
    rows = _cells(file)
    try:
        _, header = next(rows)
    except StopIteration:
        raise UserError(f"{file}: empty; the first row must name the columns.") from None
    places = _places(file, header, columns)
    result = []
    for number, cells in rows:
        if not any(cells):
            continue
        result.append(
            {
                column.name: _value(file, number, header[place], cells[place] if place < len(cells) else "", column)
                for column, place in places
            }
            | {column.name: None for column in columns if all(column is not known for known, _ in places)}
        )
    return result


def _places(file: Path, header: Sequence[str], columns: Sequence[Column]) -> list[tuple[Column, int]]:
    names = [cell.strip().lower() for cell in header]
    places = []
    for column in columns:
        found = [index for index, name in enumerate(names) if name in (column.name, *column.headers)]
        if len(found) > 1:
            raise UserError(f"{file}: row 1 names column {header[found[1]]!r} twice: keep one.")
        if found:
            places.append((column, found[0]))
        elif column.required:
            raise UserError(f"{file}: row 1 lacks column {column.name!r} ({'/'.join(column.headers)}): add it.")
    return places


def _value(file: Path, row: int, header: str, cell: str, column: Column) -> Any:
    if not cell:
        if column.required:
            raise UserError(f"{file}: row {row}, column {header!r} is empty: fill it in or remove the row.")
        return None
    try:
        return column.parse(cell)
    except (ValueError, InvalidOperation) as error:
        wanted = str(error) if isinstance(error, CellError) else "cannot be read"
        raise UserError(f"{file}: row {row}, column {header!r}: {cell[:40]!r} {wanted}.") from None


class CellError(ValueError):
    """A cell is not what its column holds; the message continues the sentence '<cell> …'."""


def text(cell: str) -> str:
    return cell


def whole(least: int) -> Parse:
    """A reader of whole numbers ≥ ``least``."""

    def parse(cell: str) -> int:
        value = _decimal(cell)
        if value != int(value) or value < least:
            raise CellError(f"must be a whole number, {least} or more")
        return int(value)

    return parse


def number(least: float) -> Parse:
    """A reader of numbers ≥ ``least``."""

    def parse(cell: str) -> float:
        value = float(_decimal(cell))
        if value < least:
            raise CellError(f"must be a number, {least:g} or more")
        return value

    return parse


def money(cell: str) -> Decimal:
    """Yuan ≥ 0; a currency sign and thousands separators are allowed."""
    value = _decimal(cell.lstrip("¥￥"))
    if value < 0:
        raise CellError("must be an amount in yuan, 0 or more")
    return value


def day(cell: str) -> date:
    """A calendar day, 2026-11-23, 2026/11/23 or 2026.11.23; a time of day after it is dropped."""
    head = cell.replace("T", " ").split(" ")[0].replace("/", "-").replace(".", "-")
    try:
        year, month, day_of_month = (int(part) for part in head.split("-"))
        return date(year, month, day_of_month)
    except ValueError:
        raise CellError("must be a date such as 2026-11-23") from None


def choice(**words: tuple[str, ...]) -> Parse:
    """A reader of one of several words: keyword → accepted spellings, lower case."""

    def parse(cell: str) -> str:
        for meaning, spellings in words.items():
            if cell.lower() in (meaning, *spellings):
                return meaning
        known = ", ".join("/".join((meaning, *spellings)) for meaning, spellings in words.items())
        raise CellError(f"must be one of {known}")

    return parse


def _decimal(cell: str) -> Decimal:
    value = Decimal(cell.replace(",", "").replace("，", "").strip())
    if not value.is_finite():
        raise CellError("must be a number")
    return value


def _cells(file: Path) -> Iterator[tuple[int, list[str]]]:
    """Row number as the spreadsheet shows it, and the row's cells as stripped text."""
    rows = _xlsx_rows(file) if file.suffix.lower() == ".xlsx" else _csv_rows(file)
    for number_, cells in rows:
        yield number_, [_text_of(cell) for cell in cells]


def _csv_rows(file: Path) -> Iterator[tuple[int, Iterable[Any]]]:
    body = file.read_bytes()
    try:
        content = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        try:
            content = body.decode("gb18030")  # what Excel writes as CSV on a Chinese Windows
        except UnicodeDecodeError:
            raise UserError(f"{file}: neither UTF-8 nor GB 18030 text: save it again as CSV UTF-8.") from None
    reader = csv.reader(content.splitlines(keepends=True))
    for cells in reader:
        yield reader.line_num, cells


def _xlsx_rows(file: Path) -> Iterator[tuple[int, Iterable[Any]]]:
    from zipfile import BadZipFile

    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        book = load_workbook(file, read_only=True, data_only=True)
    except (BadZipFile, InvalidFileException, KeyError, OSError):
        raise UserError(f"{file}: not a readable .xlsx workbook: save it again in Excel or as CSV.") from None
    try:
        yield from enumerate(book.worksheets[0].iter_rows(values_only=True), start=1)
    finally:
        book.close()


def _text_of(cell: Any) -> str:
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        return cell.date().isoformat()
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell).strip().removeprefix("\ufeff")
