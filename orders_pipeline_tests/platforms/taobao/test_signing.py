"""The signature against the wire spec's vector, which two independent public clients reproduce."""

import pytest

from orders_pipeline.platforms.taobao.signing import SignMethod, sign

SECRET = "0123456789abcdef0123456789abcdef"
PARAMS = {
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
VECTOR: dict[SignMethod, str] = {
    "md5": "FD5191DF1B989474BC8096E60D13A8E5",
    "hmac": "AA4DF4D18336F00143B62248EFF4A7BD",
    "hmac-sha256": "0BC25E9664EB24D27016EABE2BEF0B6B63F75398300022C86331E59A9863B966",
}


@pytest.mark.parametrize("method", VECTOR)
def test_vector(method: SignMethod) -> None:
    assert sign({**PARAMS, "sign_method": method}, SECRET, method) == VECTOR[method]


@pytest.mark.parametrize("method", VECTOR)
def test_the_sign_itself_is_not_signed(method: SignMethod) -> None:
    assert sign({**PARAMS, "sign_method": method, "sign": "whatever"}, SECRET, method) == VECTOR[method]


def test_names_are_sorted_by_bytes_not_by_letters() -> None:
    assert sign({"foo_bar": "1", "fooBar": "2"}, "s", "md5") == sign({"fooBar": "2", "foo_bar": "1"}, "s", "md5")
    # fooBar (0x42) before foo_bar (0x5f) before foobar (0x62): one string, whatever the order of insertion
    assert sign({"fooBar": "", "foo_bar": "", "foobar": ""}, "s") == sign({"fooBarfoo_barfoobar": ""}, "s")
