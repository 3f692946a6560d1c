"""The platform's side of signatures (spec section 1). Written apart from the client's signer on purpose."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping


def signature(params: Mapping[str, str], secret: str, sign_method: str) -> str:
    """The upper-case hex signature over every parameter but ``sign``, empty values included (decisions 22).

    Raises KeyError for a sign_method other than md5, hmac and hmac-sha256.
    """
    text = "".join(name + params[name] for name in sorted(params, key=str.encode) if name != "sign").encode()
    key = secret.encode()
    if sign_method == "md5":
        digest = hashlib.md5(key + text + key)  # noqa: S324 - the protocol's default
        return digest.hexdigest().upper()
    algorithm = {"hmac": "md5", "hmac-sha256": "sha256"}[sign_method]
    return hmac.new(key, text, algorithm).hexdigest().upper()


def is_signed(params: Mapping[str, str], secret: str) -> bool:
    """Whether ``sign`` matches; an unknown or absent sign_method never does."""
    try:
        expected = signature(params, secret, params.get("sign_method", ""))
    except KeyError:
        return False
    return hmac.compare_digest(expected.encode(), params["sign"].encode())
