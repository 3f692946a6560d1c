"""Master data as merchants keep it: good files in either format and language, and every kind of bad one."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest

from orders_pipeline.replenishment.events import Event, day_factor
from orders_pipeline.replenishment.master import MasterData, PurchaseOrder, Supplier, load_master
from orders_pipeline.settings import UserError

HEADERS_CHINESE = "商家编码,供应商,交期,起订量,箱规,含税单价,货位容量,服务等级,类目,停产日期,状态"
HEADERS_ENGLISH = "sku,supplier,lead_days,moq,pack,unit_cost,shelf_cap,service_class,category,eol_date,status"
ROW = "A-1,甲厂,7,48,24,¥12.50,600,A,T恤,2027/03/01,在售"
SKU_CHINESE, SKU_ENGLISH = f"{HEADERS_CHINESE}\n{ROW}\n", f"{HEADERS_ENGLISH}\n{ROW}\n"


def write(folder: Path, name: str, body: str | bytes) -> Path:
    file = folder / name
    file.write_bytes(body if isinstance(body, bytes) else body.encode("utf-8"))
    return file


def workbook(file: Path, rows: list[list[object]]) -> None:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.save(file)


def test_an_empty_folder_switches_every_feature_off(tmp_path):
    assert load_master(tmp_path) == MasterData()
    assert load_master(tmp_path / "absent") == MasterData()


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(SKU_CHINESE.encode(), id="Chinese headers"),
        pytest.param(SKU_ENGLISH.encode(), id="English headers"),
        pytest.param(b"\xef\xbb\xbf" + SKU_CHINESE.encode(), id="with BOM"),
        pytest.param(SKU_CHINESE.encode("gb18030"), id="GB 18030, as Excel writes CSV on a Chinese Windows"),
        pytest.param(SKU_CHINESE.replace("\n", "\r\n").encode() + b"\r\n,,,,,,,,,,\r\n", id="CRLF and blank rows"),
    ],
)
def test_sku_terms_from_csv(tmp_path, body):
    write(tmp_path, "sku_suppliers.csv", body)
    terms = load_master(tmp_path).sku_terms["A-1"]
    assert (terms.supplier, terms.lead_days, terms.moq, terms.pack, terms.shelf_cap) == ("甲厂", 7.0, 48, 24, 600)
    assert (terms.unit_cost, terms.service_class, terms.category) == (Decimal("12.50"), "A", "T恤")
    assert (terms.eol_date, terms.status) == (date(2027, 3, 1), "active")


def test_xlsx_cells_of_any_type(tmp_path):
    workbook(
        tmp_path / "sku_suppliers.xlsx",
        [
            ["商家编码", "供应商", "交期", "起订量", "停产日期"],
            [1002003004005, "甲厂", 7.5, 48.0, date(2027, 3, 1)],
            [None] * 5,
        ],
    )
    terms = load_master(tmp_path).sku_terms["1002003004005"]
    assert (terms.lead_days, terms.moq, terms.eol_date) == (7.5, 48, date(2027, 3, 1))


def test_the_first_supplier_of_a_sku_is_used(tmp_path):
    write(tmp_path, "sku_suppliers.csv", "sku,supplier\nA,first\nA,second\n")
    assert load_master(tmp_path).sku_terms["A"].supplier == "first"


def test_suppliers_with_closures(tmp_path):
    write(
        tmp_path,
        "suppliers.csv",
        '供应商,交期,采购周期,起订金额,放假\n甲厂,9,3,"1,000.00",2027-02-01~2027-02-12；2027-10-01至2027-10-07\n',
    )
    expected = Supplier(
        "甲厂",
        9.0,
        3,
        Decimal("1000.00"),
        ((date(2027, 2, 1), date(2027, 2, 12)), (date(2027, 10, 1), date(2027, 10, 7))),
    )
    assert load_master(tmp_path).suppliers == {"甲厂": expected}


def test_receipts_are_taken_off_orders_and_give_lead_times(tmp_path):
    write(
        tmp_path,
        "purchase_orders.csv",
        "采购单号,商家编码,供应商,采购数量,下单日期,预计到货日,状态\n"
        "P1,A,甲厂,100,2026-11-01,2026-11-08,已确认\n"
        "P2,A,甲厂,50,2026-11-20,,草稿\n"
        "P3,A,甲厂,70,2026-11-20,,作废\n",
    )
    write(tmp_path, "receipts.csv", "采购单号,商家编码,入库数量,入库日期\nP1,A,60,2026-11-09\nP9,A,5,2026-11-10\n")
    master = load_master(tmp_path)
    assert master.purchase_orders == (
        PurchaseOrder("P1", "A", "甲厂", 40, date(2026, 11, 1), date(2026, 11, 8), False),
        PurchaseOrder("P2", "A", "甲厂", 50, date(2026, 11, 20), None, True),
    )
    assert [(receipt.units, receipt.lead_days) for receipt in master.receipts] == [(60, 8), (5, None)]


def test_stated_remainders_are_not_reduced_again(tmp_path):
    write(tmp_path, "purchase_orders.csv", "po,sku,qty_left,ordered_at\nP1,A,40,2026-11-01\n")
    write(tmp_path, "receipts.csv", "po,sku,qty,received_at\nP1,A,60,2026-11-09\n")
    assert load_master(tmp_path).purchase_orders[0].units_left == 40


@pytest.mark.parametrize(
    ("name", "body", "complaint"),
    [
        (
            "sku_suppliers.csv",
            "sku,supplier,moq\nA,S,many\n",
            r"sku_suppliers.csv: row 2, column 'moq': 'many' cannot be read",
        ),
        (
            "sku_suppliers.csv",
            "sku,supplier,moq\nA,S,1\nB,S,2.5\n",
            r"row 3, column 'moq': '2.5' must be a whole number, 1",
        ),
        (
            "sku_suppliers.csv",
            "sku,supplier,pack\nA,S,0\n",
            r"row 2, column 'pack': '0' must be a whole number, 1 or more",
        ),
        ("sku_suppliers.csv", "sku,supplier,unit_cost\nA,S,-1\n", r"column 'unit_cost': '-1' must be an amount"),
        ("sku_suppliers.csv", "sku,supplier,lead_days\nA,S,nan\n", r"column 'lead_days': 'nan' must be a number"),
        (
            "sku_suppliers.csv",
            "商家编码,供应商,服务等级\nA,S,D\n",
            r"row 2, column '服务等级': 'D' must be one of A/a, B/b, C/c",
        ),
        ("sku_suppliers.csv", "supplier\nS\n", r"row 1 lacks column 'sku' \(merchant_sku/商家编码"),
        ("sku_suppliers.csv", "sku,商家编码,supplier\nA,A,S\n", r"names column '商家编码' twice"),
        ("sku_suppliers.csv", "sku,supplier\nA,\n", r"row 2, column 'supplier' is empty"),
        ("sku_suppliers.csv", "", r"sku_suppliers.csv: empty"),
        ("sku_suppliers.csv", b"sku,supplier\n\xff\xff\xff,S\n", r"neither UTF-8 nor GB 18030"),
        ("sku_suppliers.xlsx", b"not a zip", r"sku_suppliers.xlsx: not a readable .xlsx"),
        (
            "suppliers.csv",
            "supplier,closures\nS,2027-02-12~2027-02-01\n",
            r"column 'closures': .* must be spans such as",
        ),
        ("purchase_orders.csv", "po,sku,qty,ordered_at\nP,A,1,soon\n", r"column 'ordered_at': 'soon' must be a date"),
        ("purchase_orders.csv", "po,sku,ordered_at\nP,A,2026-11-01\n", r"order P, SKU A: fill in quantity"),
        ("receipts.csv", "po,sku,qty,received_at\nP,A,1,2026-02-30\n", r"'2026-02-30' must be a date such as"),
        ("events.yaml", "- name: x\n  start: 2026-11-11\n  end: [\n", r"events.yaml:4: not valid YAML"),
        ("events.yaml", "events: 3\n", r"must be a list of events"),
        (
            "events.yaml",
            "- name: x\n  start: 2026-11-11\n  end: 2026-11-10\n",
            r"events.yaml:1: end 2026-11-10 lies before",
        ),
        (
            "events.yaml",
            "- {name: a, start: 2026-11-11, end: 2026-11-11}\n- {name: b, start: soon, end: 2026-01-01}\n",
            r":2: start: 'soon'",
        ),
        (
            "events.yaml",
            "- {name: a, start: 2026-11-11, end: 2026-11-11, factor: 0}\n",
            r"factor: '0' must be a number from 0.05",
        ),
        ("events.yaml", "- {name: a, start: 2026-11-11, end: 2026-11-11, faktor: 2}\n", r"unknown key 'faktor'"),
        ("events.yaml", "- just text\n", r"events.yaml:1: an event must have"),
    ],
)
def test_bad_files_name_place_and_fault_in_one_line(tmp_path, name, body, complaint):
    write(tmp_path, name, body)
    with pytest.raises(UserError, match=complaint) as raised:
        load_master(tmp_path)
    assert "\n" not in str(raised.value)


def test_the_same_table_twice_is_refused(tmp_path):
    write(tmp_path, "suppliers.csv", "supplier\nS\n")
    workbook(tmp_path / "suppliers.xlsx", [["supplier"], ["S"]])
    with pytest.raises(UserError, match=r"both suppliers.csv and suppliers.xlsx"):
        load_master(tmp_path)


def test_events(tmp_path):
    write(
        tmp_path,
        "events.yaml",
        "events:\n- {name: 双11, start: 2026-11-10, end: 2026-11-11, factor: 4, phase: 爆发}\n"
        "- {name: 店庆, start: 2026-11-11, end: 2026-11-12, factor: 1.5}\n"
        "- {name: 双12, start: 2026-12-12, end: 2026-12-12, factor: learn}\n",
    )
    events = load_master(tmp_path).events
    assert events[2] == Event("双12", date(2026, 12, 12), date(2026, 12, 12), None)
    days = [date(2026, 11, day) for day in (9, 10, 11, 12, 13)] + [date(2026, 12, 12)]
    assert [day_factor(day, events) for day in days] == [1.0, 4.0, 6.0, 1.5, 1.0, 1.0]


def test_an_empty_events_file_has_no_events(tmp_path):
    write(tmp_path, "events.yaml", "# nothing yet\n")
    assert load_master(tmp_path).events == ()
