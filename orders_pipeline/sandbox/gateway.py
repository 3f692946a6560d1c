"""The gateway: one call from merged parameters to response bytes, in the check order of the spec's section 2.

No HTTP server here (``server.py``) and no API's own rules (``apis``).
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import count
from typing import Protocol

import msgspec

from orders_pipeline.sandbox.apis import APIS, Api
from orders_pipeline.sandbox.call import Call
from orders_pipeline.sandbox.clock import SandboxClock, from_wire
from orders_pipeline.sandbox.errors import TopError
from orders_pipeline.sandbox.options import SandboxOptions
from orders_pipeline.sandbox.quota import Quota
from orders_pipeline.sandbox.signing import is_signed
from orders_pipeline.sandbox.store import Store, Wire
from orders_pipeline.sandbox.tokens import TokenDesk

TOLERANCE = timedelta(minutes=10)  # spec section 1
DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


class LivingWorld(Protocol):
    """What makes the shop live."""

    def advance(self, to: datetime) -> None:
        """Let everything happen in the store up to ``to`` (aware)."""
        ...


class Gateway:
    """The platform behind ``/router/rest``. One call at a time: the store has no locks of its own."""

    def __init__(
        self, store: Store, clock: SandboxClock, options: SandboxOptions, world: LivingWorld | None = None
    ) -> None:
        self.store = store
        self.clock = clock
        self.options = options
        self.world = world
        self.tokens = TokenDesk(options, store.seller_nick, store.user_id, clock.now())
        self.quota = Quota(options.calls_per_minute, options.ban_seconds)
        self.lock = threading.RLock()
        self._numbers = count(1)

    def live(self) -> datetime:
        """Bring the world up to the clock; returns the time. Hold ``lock``."""
        now = self.clock.now()
        if self.world is not None:
            self.world.advance(now)
        return now

    def truth(self) -> Wire:
        """The whole ground truth as of now, see ``Store.truth``."""
        with self.lock:
            self.live()
            return self.store.truth()

    def truth_json(self) -> bytes:
        """The same as JSON, without a copy in between."""
        with self.lock:
            self.live()
            return msgspec.json.encode(self.store.snapshot())

    def answer(self, verb: str, params: Mapping[str, str]) -> bytes:
        """The response body for merged parameters; never raises for what a client did."""
        with self.lock:
            number = next(self._numbers)
            try:
                api, call = self._admit(verb, params, self.live(), number)
                body = api.answer(call) | {"request_id": request_id(number)}
            except TopError as error:
                return self.refusal(error, number)
            return msgspec.json.encode(body if call.simplify else {api.root: body})

    def refusal(self, error: TopError, number: int | None = None) -> bytes:
        """An ``error_response`` body, the same under simplify."""
        identity = request_id(next(self._numbers) if number is None else number)
        return msgspec.json.encode({"error_response": error.body() | {"request_id": identity}})

    def _admit(self, verb: str, params: Mapping[str, str], now: datetime, number: int) -> tuple[Api, Call]:
        if verb not in ("GET", "POST"):
            raise TopError(9)
        api = _known_api(params)
        app_key = params.get("app_key", "")
        if not app_key:
            raise TopError(28)
        if app_key not in self.tokens.apps:
            raise TopError(29, "isv.invalid-parameter:app_key")
        _check_version(params.get("v", ""))
        _check_timestamp(params.get("timestamp", ""), now)
        if params.get("format", "xml").lower() != "json":  # a missing format means XML
            raise TopError(23, "isv.invalid-parameter:format", "this sandbox answers JSON only: send format=json")
        if not params.get("sign"):
            raise TopError(24)
        if not is_signed(params, self.tokens.apps[app_key]):
            raise TopError(25)
        self.quota.take(app_key, now)
        if api.needs_session:
            self.tokens.check_session(params.get("session"), app_key, now)
        if api.name in self.options.forbidden:
            raise TopError(11, "isv.permission-api-package-empty", f"the app may not call {api.name}")
        simplify = params.get("simplify", "").lower() == "true"
        return api, Call(params, app_key, simplify, number, now, self.store, self.tokens, self.options)


def request_id(number: int) -> str:
    """13 characters as the platform's: base 36, one per call."""
    text = ""
    for _ in range(11):
        number, digit = divmod(number, 36)
        text = DIGITS[digit] + text
    return "16" + text


def _known_api(params: Mapping[str, str]) -> Api:
    name = params.get("method", "")
    if not name:
        raise TopError(21)
    if name not in APIS:
        raise TopError(22, "isv.invalid-parameter:method", f"{name} is not an API of this sandbox")
    return APIS[name]


def _check_version(version: str) -> None:
    if not version:
        raise TopError(32)
    if not version.replace(".", "", 1).isdigit():
        raise TopError(33)
    if version != "2.0":
        raise TopError(34)


def _check_timestamp(text: str, now: datetime) -> None:
    """Takes the documented text (GMT+8) and epoch milliseconds, which the official Python SDK sends."""
    if not text:
        raise TopError(30)
    try:
        sent = datetime.fromtimestamp(int(text) / 1000, now.tzinfo) if text.isdigit() else from_wire(text)
    except (ValueError, OverflowError, OSError):
        raise TopError(31) from None
    if abs(now - sent) > TOLERANCE:
        raise TopError(31, "isv.invalid-parameter:timestamp", f"more than {TOLERANCE.seconds // 60} minutes off")
