"""Which faults strike which call: the list of a YAML file or of a test, its chances and its counters.

File: ``seed`` (default 0) and ``faults``, a list of the kinds of this package with their settings:

    seed: 7
    faults:
      - {kind: http_status, status: 502, calls: 10-20}
      - {kind: row_moves, apis: taobao.trades.sold.increment.get, probability: 0.1}
      - {kind: late_commit, share: 0.01, seconds: 1200}
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any, get_args

import msgspec
import yaml
from starlette.middleware import Middleware

from orders_pipeline.sandbox.faults import answers, pages, rows, wire, world
from orders_pipeline.sandbox.faults.fault import Answer, Fault, Hit
from orders_pipeline.sandbox.gateway import Gateway
from orders_pipeline.settings import UserError

AnyFault = (
    wire.HttpStatus | wire.Reset | wire.Truncated | wire.NoAnswer | wire.Slow | wire.Drip | wire.ClockHeader
    | answers.Html | answers.CutJson | answers.ErrorResponse | answers.SessionExpired | answers.Ban
    | pages.HasNext | pages.WrongCount | pages.ShortPage | pages.RepeatedRows
    | rows.OlderVersion | rows.PoisonRow | rows.NewField | rows.RemovedField | rows.ChangedType | rows.OddText
    | rows.ByteOrderMark | rows.ForeignEncoding
    | world.RowMoves | world.SameSecond | world.UnstableTies | world.LateCommit | world.Vanished | world.OnlyListed
    | world.NeverListed | world.ClockJump | world.Messages
)  # fmt: skip


KINDS = sorted(str(kind.__struct_config__.tag) for kind in get_args(AnyFault))


class FaultFile(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What a file of faults holds."""

    seed: int = 0
    faults: list[AnyFault]


@dataclass
class _State:
    """What one fault has done so far."""

    random: Random
    selected: int = 0
    struck: int = 0
    memory: dict[str, Any] = field(default_factory=dict)


class FaultPlan:
    """Faults of one sandbox, in the order in which they act. Same seed, same calls: same faults."""

    def __init__(self, faults: Sequence[Fault], seed: int = 0) -> None:
        self.faults = [
            fault if fault.seed is not None else msgspec.structs.replace(fault, seed=seed + number)
            for number, fault in enumerate(faults)
        ]
        self._states = [_State(Random(fault.seed)) for fault in self.faults]
        self._began: datetime | None = None
        self._lock = threading.Lock()

    @classmethod
    def of(cls, *faults: Mapping[str, Any], seed: int = 0) -> FaultPlan:
        """From settings as they stand in a file. Raises msgspec.ValidationError."""
        return cls(msgspec.convert({"faults": faults}, FaultFile, strict=False).faults, seed)

    @classmethod
    def load(cls, file: Path) -> FaultPlan:
        """From a YAML file. Raises UserError naming the file and the setting that is wrong."""
        try:
            read = msgspec.convert(yaml.safe_load(file.read_text(encoding="utf-8")), FaultFile, strict=False)
        except OSError as error:
            raise UserError(f"{file}: {error.strerror}; name a file of faults.") from None
        except (yaml.YAMLError, UnicodeDecodeError):
            raise UserError(f"{file}: no YAML; see `orders-pipeline sandbox --help` for what it holds.") from None
        except msgspec.ValidationError as error:
            kinds = f"; kinds: {', '.join(KINDS)}" if str(error).endswith(".kind`") else ""
            raise UserError(f"{file}: {error}{kinds}.") from None
        return cls(read.faults, read.seed)

    def middleware(self) -> Middleware:
        """What the sandbox server takes under ``faults``."""
        from orders_pipeline.sandbox.faults.middleware import FaultMiddleware

        return Middleware(FaultMiddleware, plan=self)

    def struck(self, kind: str) -> int:
        """How often faults of a kind have struck a call."""
        return sum(state.struck for fault, state in zip(self.faults, self._states, strict=True) if fault.kind == kind)

    def memory(self, kind: str) -> dict[str, Any]:
        """What the first fault of a kind remembers."""
        return next(s.memory for fault, s in zip(self.faults, self._states, strict=True) if fault.kind == kind)

    def begin(self, gateway: Gateway) -> None:
        """Install what is wrong all the time; from now on ``since`` and ``until`` count. Only the first time counts."""
        with self._lock:
            if self._began is None:
                self._began = gateway.clock.now()
                for fault, state in zip(self.faults, self._states, strict=True):
                    fault.install(gateway, state.random)

    def meet(
        self, api: str, params: Mapping[str, str], gateway: Gateway
    ) -> tuple[list[tuple[Fault, Hit]], Answer | None]:
        """The faults that strike this call, after their ``before``, and the answer that one of them gives instead."""
        self.begin(gateway)
        with self._lock, gateway.lock:
            gateway.live()
            for fault, state in zip(self.faults, self._states, strict=True):
                if isinstance(fault, answers.Ban) and fault.holds(state.memory, gateway.clock.now()):
                    return [], fault.inside(state.memory, gateway.clock.now())
            struck = [
                (fault, Hit(api, params, gateway, state.random, state.memory))
                for fault, state in zip(self.faults, self._states, strict=True)
                if self._strikes(fault, state, api, params, gateway.clock.now())
            ]
            for fault, hit in struck:
                fault.before(hit)
            instead = (answer for fault, hit in struck if (answer := fault.instead(hit)) is not None)
            return struck, next(instead, None)

    def _strikes(self, fault: Fault, state: _State, api: str, params: Mapping[str, str], now: datetime) -> bool:
        page = params.get("page_no", "1")
        if not fault.selects(api, int(page) if page.isdigit() else 1, now, self._began or now):
            return False
        state.selected += 1
        if not fault.counts(state.selected) or (fault.times is not None and state.struck >= fault.times):
            return False
        if fault.probability < 1 and state.random.random() >= fault.probability:
            return False
        state.struck += 1
        return True
