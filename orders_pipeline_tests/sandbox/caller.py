"""A TOP caller for tests, with a signer of its own: neither the client's nor the sandbox's code."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

import httpx

from orders_pipeline.sandbox.clock import to_wire
from orders_pipeline.sandbox.server import SandboxServer


def sign(params: dict[str, str], secret: str, method: str) -> str:
    joined = "".join(f"{name}{value}" for name, value in sorted(params.items()) if name != "sign").encode()
    key = secret.encode()
    if method == "md5":
        return hashlib.md5(key + joined + key).hexdigest().upper()
    return hmac.new(key, joined, hashlib.md5 if method == "hmac" else hashlib.sha256).hexdigest().upper()


class Caller:
    """Signed calls to one sandbox at the sandbox's own time."""

    def __init__(self, sandbox: SandboxServer) -> None:
        self.sandbox = sandbox
        self.http = httpx.Client(base_url=sandbox.url)

    def params(self, method: str, **params: object) -> dict[str, str]:
        """Complete, signed parameters. None removes one; the secret is the sandbox's, sign_method md5 by default."""
        options = self.sandbox.options
        merged: dict[str, object] = {
            "method": method,
            "app_key": options.app_key,
            "session": options.session,
            "timestamp": to_wire(self.sandbox.clock.now()),
            "format": "json",
            "v": "2.0",
            "sign_method": "md5",
        } | params
        texts = {name: str(value) for name, value in merged.items() if value is not None}
        texts.setdefault("sign", sign(texts, options.app_secret, texts.get("sign_method", "md5")))
        return texts

    def raw(self, method: str, **params: object) -> Any:
        """The whole decoded answer of a POST."""
        response = self.http.post("/router/rest", data=self.params(method, **params))
        assert response.status_code == 200
        return response.json()

    def __call__(self, method: str, **params: object) -> dict[str, Any]:
        """What stands under the root key; fails on an error."""
        answer = self.raw(method, **params)
        root = method.removeprefix("taobao.").replace(".", "_") + "_response"
        assert list(answer) == [root], answer
        body: dict[str, Any] = answer[root]
        return body

    def refusal(self, method: str, **params: object) -> dict[str, Any]:
        """What stands under error_response; fails on success."""
        answer = self.raw(method, **params)
        assert list(answer) == ["error_response"], answer
        error: dict[str, Any] = answer["error_response"]
        return error

    def close(self) -> None:
        self.http.close()
