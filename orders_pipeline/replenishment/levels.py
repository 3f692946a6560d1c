"""From sales history to the distribution of future demand: levels, their weights, dispersion of sums.

Method: exponentially weighted means with three half-lives; their weights are fitted per number of days H to past sums over
H days, so that how far back to look depends on how far ahead to see; the dispersion is measured on the same sums. Where
history is too short to fit, fixed weights and a prior dispersion stand in. Nothing about stock or orders belongs here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from orders_pipeline.replenishment.demand import MIN_DISPERSION, Demand
from orders_pipeline.replenishment.events import Event, day_factor

if TYPE_CHECKING:
    from datetime import date

    from orders_pipeline.replenishment.demand import Floats
    from orders_pipeline.replenishment.history import History

HALF_LIVES = (7.0, 21.0, 60.0)  # a week follows changes, two months average them out, three weeks between
FIXED_WEIGHTS = (0.25, 0.5, 0.25)  # centred on the three weeks until there is enough history to fit
ANCHORS = (7, 14, 21, 28, 42, 60)  # days ahead for which weights are fitted; between them linear, beyond them constant
FIT_DAYS = 182  # half a year of window starts: recent enough to be like tomorrow
WARM_UP_DAYS = 28  # a level needs a month before a forecast from it counts as evidence
STEP_DAYS = 3  # windows that start a day apart are nearly the same window
MIN_STARTS, MIN_WINDOWS = 8, 200  # fewer cannot tell three weights and a dispersion apart
COMPLETE = 0.7  # share of a window's days that must be known
PRIOR_WINDOWS = 8  # the class's dispersion counts as much as eight windows of the SKU's own
PRIOR_DISPERSION = (
    0.3  # of a shop without history: the middle of what fast and slow movers of two public data sets show
)
WEEKDAY_DAYS = 56  # eight weeks: long enough to average, short enough to follow a season
MIN_FACTOR = 1e-3  # of a weekday on which nothing sells
FORECAST_WEIGHT, FORECAST_DAYS = (
    0.5,
    7,
)  # the forecaster's share on its own horizon, falling as horizon / days beyond it
NEW_DAYS, NEW_SALES = 14, 5  # known days, or days with a sale in the first month, below which a SKU is new


@dataclass(frozen=True, slots=True)
class Estimate:
    """Demand of each SKU and what is to be said of it, (n,) booleans. ``fitted``: weights come from history."""

    demand: Demand
    new: Any
    intermittent: Any  # average interval between days with a sale > 1.32 days (the usual threshold)
    never_sold: Any
    dead: Any  # known and unsold for 60 days
    fitted: bool


def day_factors(history: History, made_on: date, horizon: int, events: Sequence[Event]) -> tuple[Floats, Floats]:
    """Factor of each past day (T,) and each coming day (horizon,): weekday times events; mean 1 over a plain week."""
    import numpy as np

    past_days = [history.first + timedelta(days=offset) for offset in range(history.days)]
    coming_days = [made_on + timedelta(days=offset) for offset in range(horizon)]
    past_events = np.array([day_factor(day, events) for day in past_days])
    recent = slice(max(history.days - WEEKDAY_DAYS, 0), history.days)
    weekdays = np.array([day.weekday() for day in past_days])
    level = np.where(history.known, history.units, 0.0).sum(axis=0) / past_events
    weekday = np.ones(7)
    told = history.open_days[recent]
    if history.days >= 2 * 7 and told.any():  # one week cannot tell a weekday from an accident
        days = [told & (weekdays[recent] == index) for index in range(7)]
        means = np.array([level[recent][here].mean() if here.any() else np.nan for here in days])
        means = np.where(np.isnan(means), np.nanmean(means), means)
        if means.sum() > 0:
            weekday = np.maximum(means / means.mean(), MIN_FACTOR)
    coming_events = np.array([day_factor(day, events) for day in coming_days])
    past = weekday[weekdays] * past_events
    return past, weekday[[day.weekday() for day in coming_days]] * coming_events


def estimate_demand(
    history: History, past: Floats, coming: Floats, forecast: Floats, categories: Sequence[str]
) -> Estimate:
    """The demand distribution of every SKU. ``forecast`` (n,) is the next 7 days' mean, NaN where there is none."""
    import numpy as np

    known_days = history.known.sum(axis=1)
    selling = ((history.units > 0) & history.known).sum(axis=1)
    levels = _levels(history, past)
    fits = {days: fit for days in ANCHORS if (fit := _fit(history, past, levels, days)) is not None}
    anchors = sorted(fits) or [ANCHORS[0]]
    n = len(history.skus)
    own = np.stack(
        [(levels[-1] * (fits[days].weights if fits else np.array(FIXED_WEIGHTS))).sum(axis=1) for days in anchors],
        axis=1,
    )
    phi = np.stack([fits[days].phi if fits else np.full(n, PRIOR_DISPERSION) for days in anchors], axis=1)
    never = np.asarray(selling == 0)
    new: Any = ~never & ((known_days < NEW_DAYS) | ((selling < NEW_SALES) & (known_days < 2 * NEW_DAYS)))
    if new.any():
        trust = np.minimum(known_days / (2.0 * NEW_DAYS), 1.0)[:, None]
        own = np.where(
            new[:, None], trust * own + (1 - trust) * _launch_level(history, past, new, categories)[:, None], own
        )

    horizon = len(coming)
    every = np.arange(horizon + 1)
    spread = np.stack([np.interp(every, anchors, np.eye(len(anchors))[index]) for index in range(len(anchors))])
    level = own @ spread
    share = FORECAST_WEIGHT * np.minimum(1.0, FORECAST_DAYS / np.maximum(every, 1))
    from_forecast = forecast / max(float(coming[:FORECAST_DAYS].sum()), MIN_FACTOR)
    usable = np.isfinite(from_forecast) & ~new & ~never
    level = np.where(usable[:, None], (1 - share) * level + share * np.nan_to_num(from_forecast)[:, None], level)
    mean = np.maximum.accumulate(level * np.concatenate([[0.0], np.cumsum(coming)]), axis=1)
    sold_lately = ((history.units > 0) & history.known)[:, -60:].any(axis=1)
    return Estimate(
        demand=Demand(mean=mean, phi=np.maximum(phi @ spread, MIN_DISPERSION)),
        new=new,
        intermittent=~never & (known_days > 1.32 * selling),
        never_sold=never,
        dead=~never & ~sold_lately & (history.known | ~history.open_days)[:, -60:].all(axis=1) & (history.days >= 60),
        fitted=bool(fits),
    )


@dataclass(frozen=True, slots=True)
class _Fit:
    weights: Floats  # (n, 3)
    phi: Floats  # (n,)


def _levels(history: History, past: Floats) -> Floats:
    """(T + 1, n, 3): the levels known on the morning of each day, the last row being today's. 0 before the first day."""
    import numpy as np

    decay = 0.5 ** (1.0 / np.array(HALF_LIVES))
    total = np.zeros((len(history.skus), len(HALF_LIVES)))
    weight = np.zeros_like(total)
    result = np.zeros((history.days + 1, *total.shape))
    scaled = np.where(history.known, history.units / past, 0.0)
    for day in range(history.days):
        seen = history.known[:, day, None]
        total = total * decay + scaled[:, day, None]
        weight = weight * decay + seen
        result[day + 1] = total / np.maximum(weight, 1e-12)
    return result


def _fit(history: History, past: Floats, levels: Floats, days: int) -> _Fit | None:
    """Weights and dispersion for sums over ``days`` days; None where history is too short."""
    import numpy as np
    from scipy.optimize import nnls

    starts = np.arange(history.days - days, max(history.days - FIT_DAYS, WARM_UP_DAYS) - 1, -STEP_DAYS)
    if len(starts) < MIN_STARTS:
        return None
    known = _window_sums(history.known.astype(float), starts, days)
    exposure = _window_sums(np.where(history.known, past, 0.0), starts, days)
    sold = _window_sums(np.where(history.known, history.units, 0.0), starts, days)
    age = np.cumsum(history.known, axis=1)[:, starts - 1].T
    usable = (known >= COMPLETE * days) & (age >= WARM_UP_DAYS)  # (s, n)
    if usable.sum() < MIN_WINDOWS:
        return None
    means = levels[starts] * exposure[:, :, None]  # (s, n, 3)
    scale = np.where(usable, np.maximum(means[:, :, 2], 0.5) ** -1.5, 0.0)
    gram = np.einsum("snj,snk,sn->jk", means, means, scale)
    target = np.einsum("snj,sn,sn->j", means, sold, scale)
    root = np.linalg.cholesky(gram + np.eye(len(gram)) * 1e-9 * max(float(np.trace(gram)), 1e-12)).T
    pooled = nnls(root, np.linalg.solve(root.T, target))[0]
    errors = np.where(usable[:, :, None], (means - sold[:, :, None]) ** 2, 0.0).sum(axis=0)
    trust = 1.0 / np.maximum(errors, 1e-9) ** 2
    weights = 0.5 * pooled + 0.5 * pooled.sum() * trust / trust.sum(axis=1, keepdims=True)
    weights = np.where(np.asarray(usable.any(axis=0))[:, None], weights, pooled)
    mean = (means * weights).sum(axis=2)
    return _Fit(weights, _dispersion(np.where(usable, mean, 0.0), np.where(usable, sold, 0.0), levels[-1, :, 2], days))


def _dispersion(mean: Floats, sold: Floats, volume: Floats, days: int) -> Floats:
    """Dispersion of each SKU's sums (n,), shrunk to that of its third of the SKUs by volume. Unusable windows hold 0, 0."""
    import numpy as np

    above = ((sold - mean) ** 2 - mean).sum(axis=0)
    squares = (mean**2).sum(axis=0)
    raw = np.maximum(above, 0.0) / np.maximum(squares, 1e-9)
    measured = squares > 0
    windows = (mean > 0).sum(axis=0) * STEP_DAYS / days
    thirds = np.searchsorted(np.quantile(volume, [1 / 3, 2 / 3]), volume, side="left")
    prior = np.full(len(raw), PRIOR_DISPERSION)
    for third in range(3):
        members = measured & (thirds == third)
        if members.any():
            ratio = max(float(above[members].sum()), 0.0) / float(squares[members].sum())
            prior[thirds == third] = (float(np.median(raw[members])) + ratio) / 2
    phi: Floats = np.maximum((windows * raw + PRIOR_WINDOWS * prior) / (windows + PRIOR_WINDOWS), MIN_DISPERSION)
    return phi


def _launch_level(history: History, past: Floats, new: Any, categories: Sequence[str]) -> Floats:
    """Median daily level of the first 28 known days of a SKU's category, else of all SKUs (n,); 0 without any."""
    import numpy as np

    first = history.known & (np.cumsum(history.known, axis=1) <= WARM_UP_DAYS)
    level = np.where(first, history.units / past, 0.0).sum(axis=1) / np.maximum(first.sum(axis=1), 1)
    known = ~new & first.any(axis=1)
    overall = float(np.median(level[known])) if known.any() else 0.0
    result = np.full(len(level), overall)
    names = np.array(categories, dtype=object)
    for name in {category for category, is_new in zip(categories, new, strict=True) if is_new and category}:
        peers = known & (names == name)
        if peers.any():
            result[names == name] = np.median(level[peers])
    return result


def _window_sums(values: Floats, starts: Any, days: int) -> Floats:
    """Sums of columns start .. start + days − 1 for each start: (s, n)."""
    import numpy as np

    cumulated = np.concatenate([np.zeros((len(values), 1)), np.cumsum(values, axis=1)], axis=1)
    sums: Floats = (cumulated[:, starts + days] - cumulated[:, starts]).T
    return sums
