"""From an HTTP request to the merged parameters: query, URL-encoded body, multipart body.

Nothing here knows what a parameter means.
"""

from __future__ import annotations

from email import policy
from email.parser import BytesParser
from urllib.parse import parse_qsl

from orders_pipeline.sandbox.errors import TopError


def merged_params(query: bytes, content_type: str, body: bytes) -> dict[str, str]:
    """Query and body as one; SDKs differ in what they put where (spec section 1), the body wins.

    File parts are left out, as they are not signed. Raises TopError 47 where the bytes are not UTF-8.
    """
    params = _urlencoded(query)
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        params.update(_multipart(content_type, body))
    elif body:
        params.update(_urlencoded(body))
    return params


def _urlencoded(raw: bytes) -> dict[str, str]:
    try:
        return dict(parse_qsl(raw.decode("ascii"), keep_blank_values=True, errors="strict"))
    except ValueError:
        raise TopError(47) from None


def _multipart(content_type: str, body: bytes) -> dict[str, str]:
    head = f"Content-Type: {content_type}\r\n\r\n".encode()
    message = BytesParser(policy=policy.HTTP).parsebytes(head + body)
    params = {}
    for part in message.iter_parts() if message.is_multipart() else ():
        name = part.get_param("name", header="content-disposition")
        if isinstance(name, str) and part.get_filename() is None:
            payload = part.get_payload(decode=True)
            try:
                params[name] = payload.decode("utf-8") if isinstance(payload, bytes) else ""
            except UnicodeDecodeError:
                raise TopError(47) from None
    return params
