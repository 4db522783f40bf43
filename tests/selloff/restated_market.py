"""A random market of splits nobody told, known on an earlier day and restated from then on."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

START = pd.Timestamp("2024-07-01")
AFTER = 12
RATIOS = np.array([1.5, 2, 2, 3, 5, 10, 0.5, 0.2, 1.2, 0.7])
# Sessions between a move and the step of the count that answers it, or a second move.
APART = np.array([-15, -9, -3, -1, 0, 0, 0, 1, 3, 9, 15])
_COLUMNS = ["ticker", "session_date", "close", "volume", "market_value"]


class Known(NamedTuple):
    """What is known of the bars: their versions, and which are kept out."""

    vintages: pd.DataFrame
    out: pd.DataFrame


def _walk(random, count):
    """Return closes that are calm, and volumes of usual turnover."""
    calm = 100 * np.exp(np.cumsum(random.choice([0.004, -0.004], count)))
    return calm, 1e6 * np.exp(random.normal(0, 0.1, count)) / calm


def _event(random, closes, counts, volumes, at):
    """Let a price and its share count go by a ratio: on one day, apart, twice, back or not."""
    count, ratio = len(closes), random.choice(RATIOS)
    closes[at:] /= ratio * np.exp(random.choice([0, 0, 0.01, 0.08]))
    step = int(np.clip(at + random.choice(APART), 0, count))
    if random.random() < 0.8:
        counts[step:] *= ratio
    if random.random() < 0.2:  # a wrong value, there and back
        counts[step + random.integers(1, 4) :] /= ratio
    if random.random() < 0.4:  # a second move, that may be the one
        again = int(np.clip(step + random.choice(APART), 1, count))
        closes[again:] /= ratio * np.exp(random.choice([0, 0.02]))
    if random.random() < 0.1:
        volumes[at] *= random.choice([2.5, 30])
    return step, ratio


def _halt(random, counts, events, before):
    """Return whether a listing traded: halted soon after a step of its count, or any time.

    When it trades again the count may be back.
    """
    traded = np.ones(len(counts), bool)
    again = before + random.integers(-3, 6)
    if events and random.random() < 0.6:
        step, ratio = events[0]
        traded[step + random.integers(1, 4) : again] = False
        if step < again and random.random() < 0.6:
            counts[again:] /= ratio
    elif random.random() < 0.2:
        traded[before - random.integers(0, 40) : again] = False
    return traded


def _listing(random, name):
    """Return the bars of one listing."""
    before = int(random.choice([300, 120, 60, 45]))
    days = pd.bdate_range(end=START - pd.Timedelta("1D"), periods=before)
    days = days.append(pd.bdate_range(START, periods=AFTER))
    closes, volumes = _walk(random, len(days))
    counts = 1_000_123.0 * np.exp(np.cumsum(random.choice([0, 0, 0, 0, 6e-5, 3e-3], len(days))))
    near = before + random.integers(-34, AFTER, random.integers(0, 3))
    far = random.integers(21, before, random.integers(0, 2))
    moves = sorted([*near, *far])
    events = [_event(random, closes, counts, volumes, int(at)) for at in moves]
    traded = _halt(random, counts, events, before) & (random.random(len(days)) > 0.02)
    bars = pd.DataFrame(
        dict(zip(_COLUMNS, (name, days, closes, volumes, closes * counts), strict=True))
    )
    if random.random() < 0.3:
        gap = random.integers(0, len(days))
        bars.loc[gap : gap + random.integers(0, 9), "market_value"] = np.nan
    if random.random() < 0.15:
        bars["market_value"] = np.nan
    if random.random() < 0.2:
        bars.loc[random.random(len(bars)) < 0.5, "volume"] = np.nan
    return bars[traded]


def _versions(random, bars, share, moment):
    """Return later versions of some bars, off by a little, by a ratio, or without a value."""
    some = bars[random.random(len(bars)) < share].copy()
    some["close"] *= random.choice([1, 1.001, 2, 0.5], len(some))
    some["market_value"] *= random.choice([1, 1.01, 2, np.nan], len(some))
    return some.assign(
        known_from=some["session_date"] + pd.Timedelta(moment),
        source=random.choice(np.array(["files", "yahoo"], dtype=object), len(some)),
    )


def _told(random, frame):
    """Return rows with all that a version says."""
    return frame.assign(
        basis=np.where(frame["ticker"].str.endswith("T"), "as_traded", "split_adjusted"),
        row_hash=[f"{number:08x}" for number in random.integers(0, 2**31, len(frame))],
    )


def restated_market(seed, n_listings=7):
    """Return what was known before, what is now, and the known splits.

    Before `START` both know the same. From then on bars are added, restated, kept out and let in.
    """
    random = np.random.default_rng(seed)
    names = [f"{'AT'[place % 2]}{place}{'AT'[place % 2]}" for place in range(n_listings)]
    bars = pd.concat([_listing(random, name) for name in names], ignore_index=True)
    first = bars.assign(known_from=bars["session_date"] + pd.Timedelta("22h"), source="files")
    more = _versions(random, first, 0.03, "30h"), _versions(random, first, 0.1, "20h")
    told = _told(random, pd.concat([first, *more], ignore_index=True))
    late = told["session_date"] >= START
    unheard = late & (random.random(len(told)) < random.choice([0, 0.3, 1]))
    restated = _versions(random, first[first["session_date"] >= START], 0.2, "900h")
    now = pd.concat([told, _told(random, restated)], ignore_index=True)
    days = bars[["ticker", "session_date"]]
    is_early = days["session_date"] < START
    out = is_early & (random.random(len(days)) < 0.01)
    share = random.choice([0, 0.1, 0.5])
    was, is_now = (out | (~is_early & (random.random(len(days)) < share)) for _ in range(2))
    splits = [
        (name, bars["session_date"].sample(random_state=seed + place).iloc[0], 2.0)
        for place, name in enumerate(names)
        if random.random() < 0.25
    ]
    known = pd.DataFrame(splits, columns=["ticker", "ex_date", "split_ratio"])
    return Known(told[~unheard], days[was]), Known(now, days[is_now]), known
