"""Synthetic buyers: names, addresses and the personal fields of a trade. No real person is behind any of it.

The personal fields exist so that a client's allow-list has something to drop.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from orders_pipeline.sandbox.world.profile import PROFILE

_PLACES = {
    "上海": (("上海市", "浦东新区"), ("上海市", "闵行区")),
    "北京": (("北京市", "朝阳区"), ("北京市", "海淀区")),
    "天津": (("天津市", "南开区"),),
    "重庆": (("重庆市", "渝北区"),),
    "广东省": (("广州市", "天河区"), ("深圳市", "南山区"), ("东莞市", "")),
    "江苏省": (("南京市", "鼓楼区"), ("苏州市", "吴中区"), ("", "昆山市")),
    "浙江省": (("杭州市", "余杭区"), ("宁波市", "鄞州区"), ("", "义乌市")),
    "四川省": (("成都市", "武侯区"), ("绵阳市", "涪城区")),
    "山东省": (("青岛市", "市南区"), ("济南市", "历下区")),
    "辽宁省": (("沈阳市", "和平区"), ("大连市", "中山区")),
    "河北省": (("石家庄市", "长安区"), ("唐山市", "路北区")),
    "湖南省": (("长沙市", "岳麓区"), ("株洲市", "天元区")),
    "河南省": (("郑州市", "金水区"), ("", "济源市")),
    "云南省": (("昆明市", "五华区"),),
    "安徽省": (("合肥市", "蜀山区"), ("芜湖市", "镜湖区")),
    "陕西省": (("西安市", "雁塔区"),),
    "山西省": (("太原市", "小店区"),),
    "福建省": (("福州市", "鼓楼区"), ("厦门市", "思明区")),
    "广西壮族自治区": (("南宁市", "青秀区"),),
    "江西省": (("南昌市", "东湖区"),),
    "吉林省": (("长春市", "朝阳区"),),
    "黑龙江省": (("哈尔滨市", "南岗区"),),
    "贵州省": (("贵阳市", "云岩区"),),
    "内蒙古自治区": (("呼和浩特市", "赛罕区"),),
    "甘肃省": (("兰州市", "城关区"),),
    "海南省": (("海口市", "龙华区"), ("", "琼海市")),
    "湖北省": (("武汉市", "洪山区"), ("", "仙桃市")),
    "新疆维吾尔自治区": (("乌鲁木齐市", "天山区"), ("", "石河子市")),
    "宁夏回族自治区": (("银川市", "兴庆区"),),
    "青海省": (("西宁市", "城西区"),),
    "西藏自治区": (("拉萨市", "城关区"),),
}
"""(city, district) by province; county-level cities come as a district without a city, as on the platform."""

_SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗"
_REMOTE = frozenset({"新疆维吾尔自治区", "西藏自治区", "青海省", "内蒙古自治区", "宁夏回族自治区"})


@dataclass(frozen=True, slots=True)
class Place:
    """Where parcels go. ``hub`` is the city that couriers' traces name; ``remote`` provinces pay freight."""

    fields: dict[str, Any]
    hub: str
    remote: bool
    share: float


def _place(province: str, city: str, district: str, share: float) -> Place:
    fields = {
        "receiver_country": "中国",
        "receiver_state": province,
        "receiver_district": district,
        "receiver_town": "**街道",
        "receiver_zip": "000000",
        "receiver_address": f"{district or city}**路**号**室",
    }
    if city:
        fields["receiver_city"] = city
    return Place(fields, city or district, province in _REMOTE, share)


PLACES = tuple(
    _place(province, city, district, share / len(_PLACES[province]))
    for province, share in PROFILE.province_shares.items()
    for city, district in _PLACES[province]
)

POPULATION = 1 << 17
"""Buyers that exist; about one in ten orders of a quarter comes from one who ordered before."""


def buyer_fields(buyer: int, serial: int) -> dict[str, Any]:
    """Personal fields of buyer number ``buyer`` on trade number ``serial``, masked as the platform masks them."""
    surname = _SURNAMES[buyer % 20]
    return {
        "buyer_open_uid": f"AAHdemo{buyer * 7919:017d}",
        "buyer_nick": surname + "**",
        "receiver_name": surname + "**",
        "receiver_mobile": f"1{30 + buyer % 60}********",
        "receiver_phone": "",
        "oaid": f"1sandboxOAID{buyer:07d}{serial:010d}",
    }
