"""Signatures of the Taobao Open Platform. Nothing about transport or parameters' meaning belongs here.

Source: official call protocol as mirrored in the wire spec, section 1: names sorted by byte order, name and value
joined without separators, UTF-8, upper-case hex.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import Literal

SignMethod = Literal["md5", "hmac", "hmac-sha256"]

SIGN_METHOD: SignMethod = "hmac-sha256"
"""What we sign with: the only one of the platform's three methods that rests on a hash without known collisions."""


def sign(params: Mapping[str, str], secret: str, method: SignMethod = SIGN_METHOD) -> str:
    """Signature of all system and business parameters but ``sign`` itself: 32 (md5, hmac) or 64 hex digits."""
    text = "".join(name + params[name] for name in sorted(params, key=str.encode) if name != "sign").encode()
    key = secret.encode()
    if method == "md5":
        return hashlib.md5(key + text + key, usedforsecurity=False).hexdigest().upper()
    return hmac.new(key, text, "md5" if method == "hmac" else "sha256").hexdigest().upper()
