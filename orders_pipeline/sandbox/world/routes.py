"""The ways a refund can go, as sequences of (seconds until the step, status): the state machine of the spec's section 5."""

from __future__ import annotations

from random import Random

from orders_pipeline.sandbox.world.wire import DAY, HOUR

Route = list[tuple[int, str]]

WITHDRAWN_SHARE = 0.09  # the buyer thinks better of it, or the time runs out
REFUSED_SHARE = 0.04  # the seller refuses first; most buyers then ask again with more to show
RETURN_SHARE, EXCHANGE_SHARE, REPAIR_SHARE = 0.65, 0.10, 0.01  # of refunds for goods that have arrived
TURNED_SHARE = 0.3  # of exchanges end as refunds, because the wanted size is sold out


def route_of(dice: Random, *, arrived: bool, whole: bool) -> tuple[str, Route]:
    """(dispute_type, route) of a new refund. ``whole``: for the full amount of the line."""
    answer = int(dice.lognormvariate(0.0, 1.0) * 5 * HOUR) + 60  # most sellers answer within a working day
    if dice.random() < WITHDRAWN_SHARE:
        return "REFUND", [(answer, "CLOSED")]
    route: Route = []
    if dice.random() < REFUSED_SHARE:
        route += [(answer, "SELLER_REFUSE_BUYER"), (dice.randint(HOUR, DAY), "WAIT_SELLER_AGREE")]
        if dice.random() < 0.5:
            return "REFUND", [*route, (dice.randint(HOUR, 3 * DAY), "CLOSED")]
    luck = dice.random()
    if not arrived or not whole or luck > RETURN_SHARE + EXCHANGE_SHARE + REPAIR_SHARE:
        return "REFUND", [*route, (answer, "SUCCESS")]
    route += [
        (answer, "WAIT_BUYER_RETURN_GOODS"),
        (dice.randint(4 * HOUR, 4 * DAY), "WAIT_SELLER_CONFIRM_GOODS"),
    ]
    check = dice.randint(DAY, 4 * DAY)  # the way back, and the look at the goods
    if luck < RETURN_SHARE:
        return "REFUND_AND_RETURN", [*route, (check, "SUCCESS")]
    if luck < RETURN_SHARE + REPAIR_SHARE:
        return "REPAIR", [*route, (check, "SUCCESS")]
    route.append((check, "WAIT_SELLER_CONSIGN_GOODS"))
    if dice.random() < TURNED_SHARE:
        return "TMALL_EXCHANGE", [*route, (DAY, "EXCHANGE_TRANSFORM_TO_REFUND"), (HOUR, "SUCCESS")]
    back = dice.randint(2 * DAY, 5 * DAY)
    return "TMALL_EXCHANGE", [*route, (DAY, "WAIT_BUYER_CONFIRM_EXCHANGE_SELLER_SEND_GOODS"), (back, "SUCCESS")]
