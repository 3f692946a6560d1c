"""The one way to call out: quota, retries, bans, sign-in and the call log around ``Platform.send``."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TypeVar, cast

from tenacity import RetryCallState, Retrying, retry_if_exception_type

from orders_pipeline.clock import Clock
from orders_pipeline.platforms.base import (
    FlowControlError,
    Page,
    Platform,
    PlatformError,
    Request,
    RetryableError,
    SessionError,
    SignatureError,
    Tokens,
)
from orders_pipeline.sync.drift import DriftLog
from orders_pipeline.sync.ops import Ops
from orders_pipeline.sync.pauses import Pauses
from orders_pipeline.sync.quota import LONGEST_BAN, Priority, Quota
from orders_pipeline.sync.tokens import TOKEN_CALL, TokenKeeper

T = TypeVar("T")

ATTEMPTS = 6
"""With the pauses below a call rides out about a minute of trouble; longer outages end the run, and the next one resumes."""

_FIRST_PAUSE = 1.0
"""Seconds; doubled at each try up to 30: short enough for a dropped connection, polite to a struggling gateway."""

_LONGEST_PAUSE = 30.0

_SIGN_INS = 2
"""Times that one call may be repeated with new credentials: a rotated secret and an expired session may meet. What the
platform refuses after that needs a person."""


class Caller:
    """Calls of one shop in one run. Not a public way around: everything that talks to a platform goes through ``call``."""

    def __init__(
        self,
        platform: Platform,
        ops: Ops,
        quota: Quota,
        tokens: TokenKeeper,
        clock: Clock,
        run_id: str,
        pauses: Pauses | None = None,
    ) -> None:
        self._platform = platform
        self._ops = ops
        self._quota = quota
        self._tokens = tokens
        self._clock = clock
        self._run_id = run_id
        self.pauses = pauses or Pauses(clock)
        self.priority = Priority.INCREMENTAL
        self.signed_in: bool | None = None  # what the last call that told says; None before any has
        self.refusal = ""  # the line of the error that says we are not signed in
        self._refused = -1  # the generation of credentials that was refused for good
        self._drift = DriftLog(ops, platform.shop)
        self.calls = 0

    @contextmanager
    def at(self, priority: Priority) -> Iterator[None]:
        """Calls of the block, of all its threads, wait for their turn as work of this priority."""
        before, self.priority = self.priority, priority
        try:
            yield
        finally:
            self.priority = before

    def call(self, request: Request[T], *, max_wait: float | None = None, attempts: int = ATTEMPTS) -> T:
        """The parsed answer. Raises the last PlatformError when retries are used up or cannot help.

        With ``max_wait`` (seconds, for sensors) nothing is waited for any longer than that in all.
        """
        deadline = None if max_wait is None else self._clock.now() + timedelta(seconds=max_wait)
        for sign_in in range(_SIGN_INS + 1):
            generation = self._tokens.generation  # of the credentials that the request goes out with, or older ones
            try:
                return self._tried(request, deadline, attempts)
            except (SessionError, SignatureError) as error:
                if sign_in == _SIGN_INS or not self._sign_in(error, generation):
                    self._note(error)
                    raise
        raise AssertionError("unreachable")

    def platform_now(self) -> datetime:
        """The platform's clock, aware. What its last answer said counts, never the time that a call waited for its turn:
        a window that seems closed because we waited would hide what is yet to come into it."""
        now = self._platform.now()
        return now if now is not None else self.call(self._platform.server_time())

    def _sign_in(self, error: PlatformError, generation: int) -> bool:
        """Whether there are newer credentials to repeat the call with. Raises SessionError where they are refused."""
        try:
            if isinstance(error, SignatureError):
                return self._tokens.reread(self._platform, generation)
            return self._tokens.refresh(self._platform, generation, self._exchange)
        except SessionError as refused:
            self._note(refused)
            raise

    def _exchange(self, refresh_token: str) -> Tokens:
        return self._logged(TOKEN_CALL, lambda: self._platform.refresh_tokens(refresh_token))

    def _note(self, error: PlatformError) -> None:
        if isinstance(error, SessionError):
            self.signed_in, self.refusal, self._refused = False, str(error), self._tokens.generation

    def _tried(self, request: Request[T], deadline: datetime | None, attempts: int) -> T:
        def stop(state: RetryCallState) -> bool:
            error = state.outcome.exception() if state.outcome else None
            if deadline and self._clock.now() + timedelta(seconds=_pause(state)) >= deadline:
                return True
            if isinstance(error, FlowControlError):
                return error.wait_seconds > LONGEST_BAN or state.attempt_number >= 3 * ATTEMPTS
            return state.attempt_number >= attempts

        retrying = Retrying(
            retry=retry_if_exception_type((RetryableError, FlowControlError)),
            stop=stop,
            wait=_pause,
            sleep=self.pauses.sleep,
            reraise=True,
        )
        return cast(T, retrying(self._once, request, deadline))

    def _once(self, request: Request[T], deadline: datetime | None) -> T:
        left = None if deadline is None else max((deadline - self._clock.now()).total_seconds(), 0.0)
        self._quota.acquire(request.api, self.priority, max_wait=left)
        self.calls += 1
        generation = self._tokens.generation
        answer = self._logged(request.api, lambda: self._platform.send(request))
        # another thread's call may have been on its way with what was refused meanwhile: its answer is the older news
        if request.needs_session and generation != self._refused:
            self.signed_in = True
        return answer

    def _logged(self, api: str, send: Callable[[], T]) -> T:
        started, at = time.perf_counter(), self._clock.now()
        outcome, code, sub_code = "crash", "", ""
        try:
            answer = send()
            outcome = "ok"
            if isinstance(answer, Page) and answer.drift:
                self._drift.note(api, answer.drift, at)
            return answer
        except PlatformError as error:
            outcome, code, sub_code = error.outcome, error.code, error.sub_code
            if isinstance(error, FlowControlError):
                self._quota.ban(error.wait_seconds)
            raise
        finally:
            latency_ms = (time.perf_counter() - started) * 1000
            self._ops.log_call(at, self._platform.shop, api, self._run_id, latency_ms, outcome, code, sub_code)


def _pause(state: RetryCallState) -> float:
    """Seconds before the next try: what the platform asked for, else 1, 2, 4 … 30. A ban is waited out by the quota."""
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, FlowControlError):
        return 0.0
    if isinstance(error, RetryableError) and error.wait_seconds is not None:
        return error.wait_seconds
    return float(min(_FIRST_PAUSE * 2 ** (state.attempt_number - 1), _LONGEST_PAUSE))
