"""A shop's access token: the configured one until it has been refreshed, then the newest that was stored.

One refresher a shop at a time, across processes; new tokens are persisted before they are used, because the platform
has already replaced the old refresh token when it answers.
"""

from __future__ import annotations

import hashlib

from filelock import FileLock, Timeout

from orders_pipeline.platforms.base import Platform
from orders_pipeline.settings import DataFolder, UserError
from orders_pipeline.shops import Credentials, Shop
from orders_pipeline.sync.ops import Ops, StoredTokens

_LOCK_SECONDS = 60
"""A refresh is one short call; whoever waits longer than this waits for a stuck process and should say so."""


class TokenKeeper:
    """Keeps one shop signed in."""

    def __init__(self, shop: Shop, credentials: Credentials, ops: Ops, folder: DataFolder) -> None:
        self._shop = shop.shop
        self._ops = ops
        self._configured = credentials
        # a session pasted in anew by the merchant beats whatever was refreshed from an older one
        self._origin = hashlib.sha256(credentials.session.encode()).hexdigest()
        self._lock = folder.locks / f"token-{shop.shop}.lock"
        self._used = ""

    def session(self) -> str:
        """The access token to use now."""
        stored = self._stored()
        self._used = stored.access_token if stored else self._configured.session
        return self._used

    def refresh(self, platform: Platform) -> bool:
        """Get and install a new access token after the platform refused the present one.

        Returns False where the shop has no refresh token. Raises SessionError when the platform refuses that too.
        """
        try:
            with FileLock(self._lock, timeout=_LOCK_SECONDS):
                stored = self._stored()
                if stored and stored.access_token != self._used:
                    platform.use_session(self.session())  # another process was first
                    return True
                refresh_token = stored.refresh_token if stored else self._configured.refresh_token
                if not refresh_token:
                    return False
                tokens = platform.refresh_tokens(refresh_token)
                fresh = StoredTokens(tokens.access_token, tokens.refresh_token, tokens.expires_at, self._origin)
                self._ops.store_tokens(self._shop, fresh)
        except Timeout:
            raise UserError(
                f"Shop {self._shop}: another process has been refreshing the token for {_LOCK_SECONDS} s; try again."
            ) from None
        platform.use_session(self.session())
        return True

    def _stored(self) -> StoredTokens | None:
        stored = self._ops.tokens(self._shop)
        return stored if stored and stored.replaces == self._origin else None
