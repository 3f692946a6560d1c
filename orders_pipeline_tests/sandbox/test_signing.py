"""The spec's signing vector, and signatures over the wire."""

from __future__ import annotations

import pytest

from orders_pipeline.sandbox.signing import signature
from orders_pipeline_tests.sandbox.caller import Caller, sign

SECRET = "0123456789abcdef0123456789abcdef"
VECTOR = {
    "app_key": "12345678",
    "method": "taobao.trades.sold.increment.get",
    "session": "6100demo0001",
    "timestamp": "2026-01-15 10:30:00",
    "format": "json",
    "v": "2.0",
    "fields": "tid,status,modified",
    "start_modified": "2026-01-15 10:00:00",
    "end_modified": "2026-01-15 10:30:00",
    "page_no": "1",
    "page_size": "50",
    "use_has_next": "true",
    "buyer_nick": "测试买家",
}
EXPECTED = {
    "md5": "FD5191DF1B989474BC8096E60D13A8E5",
    "hmac": "AA4DF4D18336F00143B62248EFF4A7BD",
    "hmac-sha256": "0BC25E9664EB24D27016EABE2BEF0B6B63F75398300022C86331E59A9863B966",
}


@pytest.mark.parametrize("method", EXPECTED)
def test_vector_of_the_spec(method: str) -> None:
    params = VECTOR | {"sign_method": method}
    assert signature(params, SECRET, method) == EXPECTED[method]
    assert sign(params, SECRET, method) == EXPECTED[method], "the test's own signer"


@pytest.mark.parametrize("method", EXPECTED)
def test_each_sign_method_is_verified(call: Caller, method: str) -> None:
    good = call("taobao.trades.sold.get", fields="tid", sign_method=method, buyer_nick="测**")
    assert good["total_results"] == 2
    signed_otherwise = call.params("taobao.trades.sold.get", fields="tid", sign_method=method) | {"page_no": "2"}
    assert call.http.post("/router/rest", data=signed_otherwise).json()["error_response"]["code"] == 25


def test_empty_values_are_signed_as_sent(call: Caller) -> None:
    assert call("taobao.trades.sold.get", fields="tid", status="")["total_results"] == 2


def test_lower_case_signature_is_refused(call: Caller) -> None:
    params = call.params("taobao.time.get")
    params["sign"] = params["sign"].lower()
    assert call.http.post("/router/rest", data=params).json()["error_response"]["code"] == 25
