"""Errors outside the table: the rule that is shipped, and why it and not the model."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from orders_pipeline.platforms import base
from orders_pipeline.platforms.taobao.client import TopPlatform
from orders_pipeline.platforms.taobao.triage import advise
from orders_pipeline.platforms.taobao.triage.cases import TABLE
from orders_pipeline.platforms.taobao.triage.model import accuracy, compare, confusion, in_vain, report
from orders_pipeline_tests.platforms.taobao.conftest import Gateway


@pytest.mark.parametrize(
    ("code", "sub_code", "msg", "expected"),
    [
        (901, "gateway.throttled", "too many requests", base.FlowControlError),
        (902, "top.backend-timeout", "Backend timeout", base.RetryableError),
        (903, "", "Invalid refresh token SENTINEL", base.SessionError),
        (904, "top.signature-missing", "", base.RequestError),
        (905, "top.app-suspended", "App suspended SENTINEL", base.UnknownAnswerError),
        (906, "", "SENTINEL", base.UnknownAnswerError),
    ],
)
def test_an_unlisted_error_is_read_by_its_words(
    gateway: Gateway, top: TopPlatform, code: int, sub_code: str, msg: str, expected: type[base.PlatformError]
) -> None:
    gateway.error(code, sub_code, "SENTINEL 13812345678", msg=msg)
    with pytest.raises(base.PlatformError) as caught:
        top.send(top.order("1"))
    assert type(caught.value) is expected
    assert "outside the known table" in str(caught.value)
    assert "SENTINEL" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_rule_acts_in_vain_less_often_than_the_model() -> None:
    """The reason why it is shipped: what it does not know it leaves to a person."""
    found = compare()
    assert in_vain(found.rule_unseen) <= in_vain(found.model_unseen)
    assert in_vain(found.rule_on_table) < in_vain(found.model_left_out)
    assert accuracy(found.rule_on_table) > 0.9
    assert accuracy(found.model_left_out) > 0.5  # it did learn: five classes
    counted = [int(cell) for line in confusion(found.model_left_out).splitlines()[2:] for cell in line.split("|")[2:-1]]
    assert sum(counted) == len(TABLE)


def test_the_tables_of_the_document_are_those_of_the_command() -> None:
    document = Path(__file__).resolve().parents[3] / "docs" / "errors.md"
    assert report() in document.read_text(encoding="utf-8")


def test_no_quota_error_is_taken_for_something_to_repeat_at_once() -> None:
    limits = [case for case in TABLE if case.action == "wait" and "rejection" not in case.text]
    assert {advise(case.text) for case in limits} <= {"wait", "page"}


def test_the_client_imports_no_scikit_learn() -> None:
    code = (
        "import sys, orders_pipeline.platforms.taobao.client, orders_pipeline.sync; sys.exit('sklearn' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
