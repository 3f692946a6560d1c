"""How buyers behave: the numbers fitted to a real month by ``fit.py``. Assumptions that no data backs are not here."""

from __future__ import annotations

from dataclasses import dataclass

DELAY_LEVELS = (0.0, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999, 1.0)
"""Quantile levels of the payment delay: dense in the tail, where hours are."""


@dataclass(frozen=True)
class Profile:
    """Shares of orders (0..1) and delays (seconds)."""

    hour_shares: tuple[float, ...]
    """Share of the day's orders created in each hour, 0 to 23."""
    unpaid_share: float
    """Of all orders, never paid."""
    refunded_share: float
    """Of paid orders, money went back."""
    full_refund_share: float
    """Of those, all of it."""
    payment_delays: tuple[int, ...]
    """Seconds from order to payment at DELAY_LEVELS."""
    province_shares: dict[str, float]


PROFILE = Profile(
    hour_shares=(
        0.037,
        0.019,
        0.0121,
        0.0067,
        0.0049,
        0.0041,
        0.0093,
        0.0206,
        0.0321,
        0.0468,
        0.0623,
        0.059,
        0.046,
        0.0419,
        0.0526,
        0.0624,
        0.0528,
        0.0428,
        0.0458,
        0.0536,
        0.0713,
        0.0804,
        0.0775,
        0.0589,
    ),
    unpaid_share=0.1429,
    refunded_share=0.2195,
    full_refund_share=0.8987,
    payment_delays=(1, 3, 4, 4, 6, 8, 15, 53, 195, 1516, 8902, 36708, 74119, 85930),
    province_shares={
        "上海": 0.1066,
        "广东省": 0.0851,
        "江苏省": 0.0765,
        "浙江省": 0.0764,
        "北京": 0.0739,
        "四川省": 0.0725,
        "山东省": 0.0674,
        "辽宁省": 0.0433,
        "天津": 0.0427,
        "河北省": 0.0405,
        "湖南省": 0.0397,
        "重庆": 0.0376,
        "河南省": 0.036,
        "云南省": 0.0283,
        "安徽省": 0.0218,
        "陕西省": 0.0196,
        "山西省": 0.0169,
        "福建省": 0.0168,
        "广西壮族自治区": 0.0159,
        "江西省": 0.015,
        "吉林省": 0.0146,
        "黑龙江省": 0.0136,
        "贵州省": 0.0127,
        "内蒙古自治区": 0.0078,
        "甘肃省": 0.0062,
        "海南省": 0.006,
        "湖北省": 0.0025,
        "新疆维吾尔自治区": 0.0019,
        "宁夏回族自治区": 0.0016,
        "青海省": 0.0005,
        "西藏自治区": 0.0001,
    },
)
"""Fitted to 17-29 February 2020 of a Tmall shop (28,010 orders in the month, public teaching data set
"天猫订单综合分析"). Shapes only: the month's level is the epidemic's, and so is the low share of 湖北省."""
