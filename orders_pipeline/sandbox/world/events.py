"""The kinds of event, in the order in which events of one second and one order happen."""

from __future__ import annotations

ARRIVE, SIGN_UP, DEPOSIT, MODIFY_FEE, PENDING, PAY, EXPIRE, RELEASE, MEMO, SHIP, TRACE, SIGN_COD, PART_CONFIRM = range(
    13
)
ASK_REFUND, REFUND_STEP, FINISH, DELIVERY, REVIEW, NEW_DAY = range(13, 19)
