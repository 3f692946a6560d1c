"""One shop's HTTP connection to the Taobao Open Platform: sign, send once, unwrap the answer or raise a typed error.

Quota, retries and the call log belong to ``sync``; what is asked and how rows are read to ``requests.py``.
Secrets travel in the request body only, and nothing of a body, address or answer reaches an exception or a log.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeVar, cast

import msgspec

from orders_pipeline.clock import SHOP_TZ
from orders_pipeline.platforms.base import ClockError, FlowControlError, PlatformError, RequestError, RetryableError
from orders_pipeline.platforms.taobao import tokens
from orders_pipeline.platforms.taobao.errors import INVALID_TIMESTAMP, UNSTATED_BAN, classify
from orders_pipeline.platforms.taobao.exchange import Exchange
from orders_pipeline.platforms.taobao.feeds import FEEDS
from orders_pipeline.platforms.taobao.requests import SERVER_TIME, TopRequests
from orders_pipeline.platforms.taobao.signing import SIGN_METHOD, sign

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orders_pipeline.clock import Clock
    from orders_pipeline.platforms.base import Feed, FeedName, Request, Tokens
    from orders_pipeline.shops import Credentials, Shop

T = TypeVar("T")

LONGEST_PAUSE = 86_400.0
"""Seconds. What a gateway asks for beyond a day is a mistake of the gateway."""

CLOCK_WAS_OFF = 60.0
"""Seconds of correction after which a refused timestamp is worth a second try; the platform tolerates 600."""


class TopPlatform(TopRequests):
    """A Taobao or Tmall shop; implements ``platforms.base.Platform``. Times follow the platform's ``Date`` header."""

    def __init__(self, shop: Shop, credentials: Credentials, clock: Clock) -> None:
        self.name: str = shop.platform
        self.shop = shop.shop
        self.feeds: Mapping[FeedName, Feed] = FEEDS
        self.app_key = credentials.app_key
        self._secret = credentials.app_secret
        self._session = credentials.session
        self._gateway = shop.gateway_url
        self._token_url = shop.token_url
        self._clock = clock
        self._offset = timedelta(0)  # platform's clock minus ours
        self._heard = False  # whether the platform has told its time
        self._retry_after = ""  # the header of the last answer
        self._exchange = Exchange(clock)

    def __repr__(self) -> str:
        return f"TopPlatform(shop={self.shop!r}, name={self.name!r})"

    def now(self) -> datetime | None:
        """The platform's clock by its last ``Date``; None before the first."""
        return self._clock.now() + self._offset if self._heard else None

    def hear_time(self, now: datetime) -> None:
        """Take over the platform's clock as another connection to it has just heard it."""
        self._offset, self._heard = now.astimezone(UTC) - self._clock.now(), True

    def use_session(self, session: str) -> None:
        """Take a refreshed access token into use."""
        self._session = session

    def use_secret(self, secret: str) -> None:
        """Take a rotated app secret into use."""
        self._secret = secret

    def close(self) -> None:
        """Close the connections."""
        self._exchange.close()

    def send(self, request: Request[T]) -> T:
        """One attempt. Raises PlatformError subclasses only, RetryableError for whatever happens on the way; UserError where the
        environment names a proxy that cannot be used."""
        offset_used = self._offset
        status, body, at = self._post(self._gateway, self._form(request), request.api)
        if status != HTTPStatus.OK:
            raise self._refusal(request.api, status)
        raw = self._unwrap(request.api, body, offset_used)
        result = request.parse(raw, at)
        if request.api == SERVER_TIME:  # for gateways that send no Date
            self._offset = cast(datetime, result).astimezone(UTC) - self._clock.now()
            self._heard = True
        return result

    def refresh_tokens(self, refresh_token: str) -> Tokens:
        """Exchange a refresh token; both tokens are new. Raises SessionError when the platform refuses it."""
        form = {
            "grant_type": "refresh_token",
            "refresh_token": refresh_token,
            "client_id": self.app_key,
            "client_secret": self._secret,
        }
        status, body, at = self._post(self._token_url, form, tokens.API)
        return tokens.parse(status, body, at)

    def _form(self, request: Request[Any]) -> dict[str, str]:
        """All parameters, signed. Empty values are not sent: the platform would sign them, its own clients do not."""
        now = (self._clock.now() + self._offset).astimezone(SHOP_TZ)
        params = {
            **request.params,
            "method": request.api,
            "app_key": self.app_key,
            "session": self._session if request.needs_session else "",
            "timestamp": now.strftime("%Y-%m-%d %H:%M:%S"),
            "v": "2.0",
            "format": "json",
            "sign_method": SIGN_METHOD,
        }
        params = {name: value for name, value in params.items() if value}
        params["sign"] = sign(params, self._secret)
        return params

    def _post(self, url: str, form: dict[str, str], api: str) -> tuple[int, bytes, datetime]:
        """Status, unpacked body and the platform's time."""
        sent = self._clock.now()
        answer = self._exchange.post(url, form, api)
        self._retry_after = answer.headers.get("Retry-After", "")
        return answer.status, answer.body, self._platform_time(answer.headers.get("Date"), sent, answer.begun)

    def _platform_time(self, date: str | None, sent: datetime, received: datetime) -> datetime:
        """The ``Date`` header, from which the offset is learnt, or where it is missing or unreadable our corrected clock.

        The header names a second between our sending and the receipt of headers.
        """
        try:
            platform_time = parsedate_to_datetime(date or "").replace(tzinfo=UTC)  # HTTP dates are in GMT, all of them
        except ValueError:
            return received + self._offset
        self._offset = platform_time - (sent + (received - sent) / 2)
        self._heard = True
        return platform_time

    def _refusal(self, api: str, status: int) -> PlatformError:
        """An HTTP status other than 200 as an error, with the pause that the gateway asks for. A 429 is flow control and
        binds all processes of the app key."""
        wait = self._asked_pause()
        text = f"{api}: HTTP {status} from the gateway"
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            wait = UNSTATED_BAN if wait is None else wait
            return FlowControlError(f"{text}: too many calls, none for {wait:.0f} s.", wait_seconds=wait, code="429")
        return RetryableError(f"{text}; the call is repeated.", wait_seconds=wait)

    def _asked_pause(self) -> float | None:
        """Seconds of the last answer's Retry-After, a number or an HTTP date (RFC 9110, 10.2.3); None where unreadable."""
        if self._retry_after.isascii() and self._retry_after.isdigit():
            return min(float(self._retry_after), LONGEST_PAUSE)
        try:
            until = parsedate_to_datetime(self._retry_after).replace(tzinfo=UTC)
        except ValueError:
            return None
        seconds = (until - self._clock.now() - self._offset).total_seconds()
        return min(max(seconds, 0.0), LONGEST_PAUSE)

    def _unwrap(self, api: str, body: bytes, offset_used: timedelta) -> bytes:
        """The bytes of the response object: the root has exactly one key, named after the API, or ``error_response``."""
        expected = api.removeprefix("taobao.").replace(".", "_") + "_response"
        root: dict[str, msgspec.Raw] | None = None
        answer: Any = None
        try:
            root = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
            if "error_response" in root:
                answer = msgspec.json.decode(root["error_response"])
        except (msgspec.MsgspecError, UnicodeDecodeError):
            root = None
        if root is None:
            what = "HTML" if body.lstrip()[:1] == b"<" else "cut or foreign text"
            raise RetryableError(f"{api}: {what} of {len(body)} bytes instead of JSON; the call is repeated.")
        if "error_response" in root:
            error = classify(api, answer)
            correction = abs((self._offset - offset_used).total_seconds())
            if isinstance(error, RequestError) and error.code == str(INVALID_TIMESTAMP) and correction > CLOCK_WAS_OFF:
                text = f"{api}: this machine's clock is {correction:.0f} s off; the platform's is used from here on."
                raise ClockError(text, code=error.code, sub_code=error.sub_code)
            raise error
        if list(root) != [expected]:
            raise RetryableError(f"{api}: the answer's only key is not {expected}; the call is repeated.")
        return bytes(root[expected])
