"""The one way to call out: quota, retries, bans, token refresh and the call log around ``Platform.send``."""

from __future__ import annotations

import time
from datetime import datetime
from typing import TypeVar, cast

from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt

from orders_pipeline.clock import Clock
from orders_pipeline.platforms.base import (
    FlowControlError,
    Platform,
    PlatformError,
    Request,
    RetryableError,
    SessionError,
)
from orders_pipeline.sync.ops import Ops
from orders_pipeline.sync.quota import Quota
from orders_pipeline.sync.tokens import TokenKeeper

T = TypeVar("T")

ATTEMPTS = 6
"""With the pauses below a call rides out about a minute of trouble; longer outages end the run, and the next one resumes."""

_FIRST_PAUSE = 1.0
"""Seconds; doubled at each try up to 30: short enough for a dropped connection, polite to a struggling gateway."""

_LONGEST_PAUSE = 30.0

LONGEST_BAN = 900.0
"""Seconds. A longer ban (they last to the end of the day when a daily quota is spent) ends the run instead of holding it."""


class Caller:
    """Calls of one shop in one run. Not a public way around: everything that talks to a platform goes through ``call``."""

    def __init__(
        self, platform: Platform, ops: Ops, quota: Quota, tokens: TokenKeeper, clock: Clock, run_id: str
    ) -> None:
        self._platform = platform
        self._ops = ops
        self._quota = quota
        self._tokens = tokens
        self._clock = clock
        self._run_id = run_id
        self.calls = 0

    def call(self, request: Request[T]) -> T:
        """The parsed answer. Raises the last PlatformError when retries are used up or cannot help."""
        retrying = Retrying(
            retry=retry_if_exception_type((RetryableError, FlowControlError)),
            stop=self._stop,
            wait=_pause,
            sleep=self._clock.sleep,
            reraise=True,
        )
        try:
            return cast(T, retrying(self._once, request))
        except SessionError:
            # one refresh, one more try: a token that the platform refuses twice needs a person
            if not self._tokens.refresh(self._platform):
                raise
            return cast(T, retrying(self._once, request))

    def platform_now(self) -> datetime:
        """The platform's clock, aware. What its last answer said counts, never the time that a call waited for its turn:
        a window that seems closed because we waited would hide what is yet to come into it."""
        now = self._platform.now()
        return now if now is not None else self.call(self._platform.server_time())

    def _stop(self, state: RetryCallState) -> bool:
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, FlowControlError):
            return error.wait_seconds > LONGEST_BAN or state.attempt_number >= 3 * ATTEMPTS
        return stop_after_attempt(ATTEMPTS)(state)

    def _once(self, request: Request[T]) -> T:
        self._quota.acquire()
        self.calls += 1
        started, at = time.perf_counter(), self._clock.now()
        outcome, code, sub_code = "crash", "", ""
        try:
            answer = self._platform.send(request)
            outcome = "ok"
            return answer
        except PlatformError as error:
            outcome, code, sub_code = error.outcome, error.code, error.sub_code
            if isinstance(error, FlowControlError):
                self._quota.ban(error.wait_seconds)
            raise
        finally:
            latency_ms = (time.perf_counter() - started) * 1000
            self._ops.log_call(at, self._platform.shop, request.api, self._run_id, latency_ms, outcome, code, sub_code)


def _pause(state: RetryCallState) -> float:
    """Seconds before the next try: what the platform asked for, else 1, 2, 4 … 30. A ban is waited out by the quota."""
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, FlowControlError):
        return 0.0
    if isinstance(error, RetryableError) and error.wait_seconds is not None:
        return error.wait_seconds
    return float(min(_FIRST_PAUSE * 2 ** (state.attempt_number - 1), _LONGEST_PAUSE))
