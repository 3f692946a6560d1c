"""Faults inside HTTP 200: another text than JSON, half a JSON text, and the platform's own errors."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec

from orders_pipeline.sandbox.faults.fault import Answer, Fault, Hit
from orders_pipeline.sandbox.gateway import request_id


class Html(Fault, tag="html"):
    """HTTP 200 with a page for people, as proxies and logins send it."""

    text: str = "<html><body>系统繁忙，请稍后再试</body></html>"

    def instead(self, hit: Hit) -> Answer:
        return Answer(self.text.encode(), content_type="text/html;charset=UTF-8")


class CutJson(Fault, tag="cut_json"):
    """HTTP 200 and a complete transfer of half a JSON text."""

    def after(self, hit: Hit, answer: Answer) -> None:
        answer.body = answer.body[: len(answer.body) // 2]


class ErrorResponse(Fault, tag="error_response"):
    """HTTP 200 with an ``error_response``; the default is a fault of the service behind the gateway."""

    code: int = 15
    msg: str = "Remote service error"
    sub_code: str = "isp.service-unavailable"
    sub_msg: str = ""

    def instead(self, hit: Hit) -> Answer:
        return error_answer(self.code, self.msg, self.sub_code, self.sub_msg)


class SessionExpired(Fault, tag="session_expired"):
    """Code 27, whatever session is sent."""

    def instead(self, hit: Hit) -> Answer:
        return error_answer(27, "Invalid session", "invalid-sessionkey", "")


class Ban(Fault, tag="ban"):
    """Flow control: no call for ``seconds``. A call inside the ban is refused too and makes what is left ``factor`` times
    as long. ``Hit.memory`` counts them under ``inside``."""

    seconds: float = 30.0
    factor: float = 2.0

    def instead(self, hit: Hit) -> Answer:
        self.begin(hit.memory, hit.now, self.seconds)
        return self.refusal(hit.memory, hit.now)

    @staticmethod
    def begin(memory: dict[str, Any], now: datetime, seconds: float) -> None:
        memory["until"] = now + timedelta(seconds=seconds)

    def holds(self, memory: dict[str, Any], now: datetime) -> bool:
        """Whether a call now, struck or not, falls into a ban."""
        return "until" in memory and now < memory["until"]

    def inside(self, memory: dict[str, Any], now: datetime) -> Answer:
        """The answer to a call inside the ban, which it prolongs."""
        memory["inside"] = memory.get("inside", 0) + 1
        self.begin(memory, now, (memory["until"] - now).total_seconds() * self.factor)
        return self.refusal(memory, now)

    @staticmethod
    def refusal(memory: dict[str, Any], now: datetime) -> Answer:
        seconds = max(round((memory["until"] - now).total_seconds()), 1)
        return error_answer(
            7,
            "App Call Limited",
            "accesscontrol.limited-by-app-access-count",
            f"This ban will last for {seconds} more seconds",
        )


def error_answer(code: int, msg: str, sub_code: str, sub_msg: str) -> Answer:
    """An ``error_response`` as the gateway writes it."""
    named = {"sub_code": sub_code, "sub_msg": sub_msg}
    body = {"code": code, "msg": msg, **{name: text for name, text in named.items() if text}}
    return Answer(msgspec.json.encode({"error_response": body | {"request_id": request_id(code)}}))
