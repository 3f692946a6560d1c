"""The OAuth pages: ``/authorize`` and ``/token`` (spec section 3). Token rules are in ``tokens.py``."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response

from orders_pipeline.sandbox.errors import TopError
from orders_pipeline.sandbox.forms import merged_params
from orders_pipeline.sandbox.gateway import Gateway
from orders_pipeline.sandbox.tokens import TokenError

OUT_OF_BAND = "urn:ietf:wg:oauth:2.0:oob"  # the code is shown for copying
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})  # the app's "registered domain"


class OAuthPages:
    """Both pages over one gateway's tokens. Every consent is given: there is no seller to ask."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def authorize(self, request: Request) -> Response:
        """GET: hands a code (or, implicit, tokens in the fragment) to redirect_uri."""
        params = dict(request.query_params)
        try:
            return self._authorize(params)
        except TokenError as error:
            return _refusal(error)

    async def token(self, request: Request) -> Response:
        """POST: a code or a refresh token for tokens; errors are HTTP 400 (decisions 24)."""
        try:
            params = merged_params(
                request.scope["query_string"], request.headers.get("content-type", ""), await request.body()
            )
            return JSONResponse(self._token(params))
        except TopError:
            return _refusal(TokenError("invalid_request", "the body is not URL-encoded UTF-8"))
        except TokenError as error:
            return _refusal(error)

    def _authorize(self, params: Mapping[str, str]) -> Response:
        redirect_uri = _need(params, "redirect_uri")
        if redirect_uri != OUT_OF_BAND and urlsplit(redirect_uri).hostname not in LOOPBACK:
            raise TokenError("invalid_request", "redirect_uri must be on this machine or " + OUT_OF_BAND)
        client_id, response_type = _need(params, "client_id"), _need(params, "response_type")
        tokens = self._gateway.tokens
        now = self._gateway.clock.now()
        code = tokens.new_code(client_id, redirect_uri, now)
        state = {"state": params["state"]} if "state" in params else {}
        if response_type == "token":
            fields = tokens.exchange(code, client_id, redirect_uri, now)
            return RedirectResponse(f"{redirect_uri}#{urlencode(fields | state)}", status_code=302)
        if response_type != "code":
            raise TokenError("unsupported_response_type", "code or token")
        if redirect_uri == OUT_OF_BAND:
            return PlainTextResponse(code)
        joint = "&" if urlsplit(redirect_uri).query else "?"
        return RedirectResponse(redirect_uri + joint + urlencode({"code": code} | state), status_code=302)

    def _token(self, params: Mapping[str, str]) -> dict[str, object]:
        tokens = self._gateway.tokens
        now = self._gateway.clock.now()
        grant_type, client_id = _need(params, "grant_type"), _need(params, "client_id")
        tokens.authenticate(client_id, _need(params, "client_secret"))
        if grant_type == "authorization_code":
            return tokens.exchange(_need(params, "code"), client_id, _need(params, "redirect_uri"), now)
        if grant_type == "refresh_token":
            return tokens.refresh(_need(params, "refresh_token"), client_id, now)
        raise TokenError("unsupported_grant_type", "authorization_code or refresh_token")


def _need(params: Mapping[str, str], name: str) -> str:
    if not params.get(name):
        raise TokenError("invalid_request", f"{name} is missing")
    return params[name]


def _refusal(error: TokenError) -> Response:
    return JSONResponse({"error": error.error, "error_description": error.description}, status_code=400)
