"""The table of APIs: name, function, and whether a session is needed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from orders_pipeline.sandbox.call import Call
from orders_pipeline.sandbox.store import Wire

Handler = Callable[[Call], Wire]


@dataclass(frozen=True, slots=True)
class Api:
    """``answer`` gives what stands under the root key, less request_id, or raises TopError."""

    name: str
    answer: Handler
    needs_session: bool

    @property
    def root(self) -> str:
        """The response's only key: the name less ``taobao.``, dots as underscores, plus ``_response``."""
        return self.name.removeprefix("taobao.").replace(".", "_") + "_response"


APIS: dict[str, Api] = {}


def api(name: str, *, needs_session: bool = True) -> Callable[[Handler], Handler]:
    """Register a function as the API ``name``."""

    def register(handler: Handler) -> Handler:
        APIS[name] = Api(name, handler, needs_session)
        return handler

    return register
