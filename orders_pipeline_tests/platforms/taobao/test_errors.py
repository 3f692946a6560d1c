"""Every row of the error table, through real HTTP: class, wait, and nothing of the platform's text in ours."""

from __future__ import annotations

import pytest

from orders_pipeline.platforms import base
from orders_pipeline.platforms.taobao.client import TopPlatform
from orders_pipeline_tests.platforms.taobao.conftest import Gateway

REQUEST_CODES = (3, 9, 21, 22, 23, 24, 28, 29, 30, 31, 32, 33, 34, 40, 41, 43, 47)
TABLE: list[tuple[object, str, type[base.PlatformError]]] = [
    *[(code, "", base.FlowControlError) for code in (4, 5, 6, 7, 8, "7")],
    *[
        (7, f"accesscontrol.limited-by-{kind}-access-count", base.FlowControlError)
        for kind in ("app", "api", "app-api", "dynamic")
    ],
    (15, "accesscontrol.limited-by-dynamic-access-count", base.FlowControlError),
    (15, "isp.call-limited", base.FlowControlError),
    (10, "", base.RetryableError),
    (15, "", base.RetryableError),
    (50, "", base.RetryableError),
    *[
        (15, sub_code, base.RetryableError)
        for sub_code in (
            "isp.top-remote-connection-timeout",
            "isp.top-remote-connection-timeout-tmall",
            "isp.top-remote-service-unavailable",
            "isp.top-remote-service-unavailable-tmall",
            "isp.top-remote-unknown-error",
            "isp.remote-connection-error",
            "isp.remote-service-error",
            "isp.remote-service-timeout",
            "isp.item-service-unavailable",
            "isp.system-busy",
            "isp.unknown-error",
        )
    ],
    (50, "isp.remote-service-timeout", base.RetryableError),
    (520, "isp.trade-service-unavailable", base.RetryableError),
    (15, "isv.trade-service-rejection", base.RetryableError),
    (520, "isv.trade-service-rejection", base.RetryableError),
    (15, "isp.http-parse-error", base.RequestError),
    *[(code, "", base.SessionError) for code in (26, 27, 42, 44)],
    *[
        (27, sub_code, base.SessionError)
        for sub_code in (
            "session-expired",
            "session-not-exist",
            "session-is-blank",
            "invalid-sessionkey",
            "sessionkey-not-generated-by-server",
        )
    ],
    (15, "invalid-sessionkey", base.SessionError),
    *[(code, "", base.PermissionDeniedError) for code in (11, 12, 13)],
    *[
        (11, f"isv.permission-{what}", base.PermissionDeniedError)
        for what in ("api-package-empty", "api-package-not-allowed", "api-package-limit", "ip-whitelist-limit")
    ],
    (15, "isv.permission-ip-whitelist-limit", base.PermissionDeniedError),
    *[(code, "", base.RequestError) for code in REQUEST_CODES],
    (25, "", base.SignatureError),
    (15, "isv.invalid-parameter:start_modified", base.RequestError),
    (50, "isv.missing-parameter:tid", base.RequestError),
    (560, "isv.invalid-parameter", base.RequestError),
    (15, "isv.trade-not-exist", base.NotListedError),
    (50, "isv.trade-not-exist", base.NotListedError),
    (15, "isv.refund-not-exist", base.NotListedError),
    (560, "", base.UnknownAnswerError),
    (15, "something-else", base.UnknownAnswerError),
    (99, "", base.UnknownAnswerError),
    ("seven", "", base.UnknownAnswerError),
    (None, "", base.UnknownAnswerError),
]


@pytest.mark.parametrize(("code", "sub_code", "expected"), TABLE, ids=lambda value: getattr(value, "__name__", value))
def test_table(
    gateway: Gateway, top: TopPlatform, code: object, sub_code: str, expected: type[base.PlatformError]
) -> None:
    gateway.error(code, sub_code, "SENTINEL 13812345678", msg="SENTINEL 张三")
    with pytest.raises(base.PlatformError) as caught:
        top.send(top.order("1"))
    error = caught.value
    assert type(error) is expected
    assert (error.code, error.sub_code) == (
        str(code) if isinstance(code, int) else "7" if code == "7" else "",
        sub_code,
    )
    assert "\n" not in str(error)
    assert str(error).endswith(".")
    assert "SENTINEL" not in str(error)


@pytest.mark.parametrize(
    ("sub_msg", "seconds"),
    [
        ("This ban will last for 1 more seconds", 1),
        ("This ban will last for 71 more seconds", 71),
        ("This ban will last for 31062 more seconds", 31062),
        ("", 60),
        ("try later", 60),
    ],
)
def test_ban_seconds(gateway: Gateway, top: TopPlatform, sub_msg: str, seconds: float) -> None:
    gateway.error(7, "accesscontrol.limited-by-api-access-count", sub_msg)
    with pytest.raises(base.FlowControlError) as caught:
        top.send(top.check())
    assert caught.value.wait_seconds == seconds


def test_rejected_trade_queries_wait_three_minutes(gateway: Gateway, top: TopPlatform) -> None:
    gateway.error(15, "isv.trade-service-rejection")
    with pytest.raises(base.RetryableError) as caught:
        top.send(top.check())
    assert caught.value.wait_seconds == 180


def test_a_wrong_parameter_is_named(gateway: Gateway, top: TopPlatform) -> None:
    gateway.error(40, msg="Missing required arguments:start_modified")
    with pytest.raises(base.RequestError, match=r"start_modified\."):
        top.send(top.check())


def test_a_sub_code_that_may_be_somebodys_data_is_not_repeated(gateway: Gateway, top: TopPlatform) -> None:
    gateway.error(15, "isv.张三")
    gateway.error(15, "invalid-13812345678")
    for _ in range(2):
        with pytest.raises(base.RetryableError) as caught:
            top.send(top.check())
        assert caught.value.sub_code == ""
        assert "13812345678" not in str(caught.value)
        assert "张三" not in str(caught.value)


@pytest.mark.parametrize("answer", [[], "text", None, 7])
def test_error_response_of_another_shape(gateway: Gateway, top: TopPlatform, answer: object) -> None:
    gateway.answer({"error_response": answer})
    with pytest.raises(base.UnknownAnswerError):
        top.send(top.check())


def test_an_error_beside_a_response_is_an_error(gateway: Gateway, top: TopPlatform) -> None:
    gateway.answer({"trades_sold_get_response": {"total_results": 0}, "error_response": {"code": 10}})
    with pytest.raises(base.RetryableError):
        top.send(top.check())
