"""A shop's secrets in use: the access token, configured or refreshed, and the app secret, which may be rotated meanwhile.

One refresher a shop at a time, across threads and processes; new tokens are persisted before they are used, because the
platform has already replaced the old refresh token when it answers.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable

from filelock import FileLock, Timeout

from orders_pipeline.clock import Clock, SystemClock
from orders_pipeline.platforms.base import Platform, RetryableError, SessionError, Tokens
from orders_pipeline.settings import DataFolder, UserError
from orders_pipeline.shops import Credentials, Shop, credentials
from orders_pipeline.sync.ops import Ops, StoredTokens

TOKEN_CALL = "oauth.token"  # noqa: S105 - how a refresh is named in the call log
_LOCK_SECONDS = 60
"""A refresh is one short call; whoever waits longer than this waits for a stuck process and should say so."""

_TRIES = 3
"""A refresh whose answer did not come is asked for again: most often the question did not arrive either."""

_PAUSE = 2.0
"""Seconds between these tries; whoever needs the token waits for the lock meanwhile."""


class TokenKeeper:
    """Keeps one shop signed in. ``generation`` counts the credentials that this run has used: a call that is refused says
    which it was sent with, so that only the first of many refreshes, and the others take what it got."""

    def __init__(
        self, shop: Shop, secrets: Credentials, ops: Ops, folder: DataFolder, clock: Clock | None = None
    ) -> None:
        self._shop = shop
        self._ops = ops
        self._clock = clock or SystemClock()
        self._configured = secrets
        self._file = folder.locks / f"token-{shop.shop}.lock"
        self._lock = threading.Lock()
        self._used = ""
        self._refused = -1, ""  # the generation whose refresh was refused, and why
        self.generation = 0

    def session(self) -> str:
        """The access token to use now."""
        stored = self._stored()
        self._used = stored.access_token if stored else self._configured.session
        return self._used

    def refresh(self, platform: Platform, refused: int, exchange: Callable[[str], Tokens]) -> bool:
        """Install a newer access token after the platform refused that of generation ``refused``.

        Returns False where the shop has no refresh token. Raises SessionError when the platform refuses that too, or when
        its answer was lost on the way; UserError when another process is stuck refreshing.
        """
        with self._lock:
            if self.generation != refused:
                return True  # another thread was first
            if self._refused[0] == refused:
                raise SessionError(self._refused[1])  # and was told no: asking again for each reader changes nothing
            try:
                with FileLock(self._file, timeout=_LOCK_SECONDS):
                    stored = self._stored()
                    if stored and stored.access_token != self._used:
                        self._install(platform)  # another process was first
                        return True
                    refresh_token = stored.refresh_token if stored else self._configured.refresh_token
                    if not refresh_token:
                        return False
                    tokens = self._exchanged(exchange, refresh_token)
                    fresh = StoredTokens(
                        tokens.access_token, tokens.refresh_token, tokens.expires_at, _digest(self._configured)
                    )
                    self._ops.store_tokens(self._shop.shop, fresh)
            except Timeout:
                raise UserError(
                    f"Shop {self._shop.shop}: another process has been refreshing the token for {_LOCK_SECONDS} s; "
                    "try again."
                ) from None
            self._install(platform)
            return True

    def reread(self, platform: Platform, refused: int) -> bool:
        """Take a rotated app secret into use after the platform refused the signature of generation ``refused``.

        Returns False where environment and ``.env`` still hold what was refused. Raises UserError where one is missing.
        """
        with self._lock:
            if self.generation != refused:
                return True
            now = credentials(self._shop)
            if now.app_secret == self._configured.app_secret:
                return False
            self._configured = now
            platform.use_secret(now.app_secret)
            self._install(platform)
            return True

    def _exchanged(self, exchange: Callable[[str], Tokens], refresh_token: str) -> Tokens:
        lost: RetryableError | None = None
        for attempt in range(1, _TRIES + 1):
            if attempt > 1:
                self._clock.sleep(_PAUSE)
            try:
                return exchange(refresh_token)
            except RetryableError as error:
                lost = error
            except SessionError as error:
                if lost is None:
                    self._refused = self.generation, str(error)
                    raise
                # an earlier question did arrive: its answer held the tokens that replaced these
                text = f"Shop {self._shop.shop}: the answer to a token refresh was lost on the way; authorise the shop again."
                self._refused = self.generation, text
                raise SessionError(text, code=error.code) from None
        assert lost is not None  # noqa: S101 - the loop ends by return, raise, or a lost answer
        raise lost

    def _install(self, platform: Platform) -> None:
        platform.use_session(self.session())
        self.generation += 1

    def _stored(self) -> StoredTokens | None:
        stored = self._ops.tokens(self._shop.shop)
        # a session pasted in anew by the merchant beats whatever was refreshed from an older one
        return stored if stored and stored.replaces == _digest(self._configured) else None


def _digest(secrets: Credentials) -> str:
    return hashlib.sha256(secrets.session.encode()).hexdigest()
