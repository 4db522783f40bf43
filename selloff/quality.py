"""Judgements on bars: what is suspicious only beside the bars, peers and sessions around it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from selloff._ibis import by_listing, looked_up

if TYPE_CHECKING:
    import ibis.expr.types as ir

_BAR = ("listing_id", "session_date")
# The median of absolute deviations of a normal variable is sigma / 1.4826.
MAD_TO_SIGMA = 1.4826


@dataclass(frozen=True, slots=True)
class Judgement:
    """When a bar is suspicious.

    Parameters
    ----------
    jump_sigmas : float
        Absolute log return beyond which a move is a jump, in robust sigmas.
    jump_rows, jump_minimum : int
        Rows before the bar that the robust sigma rests on, and how many returns they must hold.
    volume_multiple : float
        Volume, in means of the rows before, that corroborates a jump.
    volume_rows : int
        Rows before the bar that are asked for usual volumes.
    peer_share : float
        Share of the jump that the peers' median return must reach to corroborate it.
    peer_minimum : int
        Peers without which there is no corroboration.
    """

    jump_sigmas: float = 8.0
    jump_rows: int = 250
    jump_minimum: int = 20
    volume_multiple: float = 2.0
    volume_rows: int = 20
    peer_share: float = 0.25
    peer_minimum: int = 2


def quality_flags(
    bars: ir.Table,
    sessions: ir.Table,
    instruments: ir.Table,
    thresholds: Judgement,
    known: ir.Table | None = None,
) -> ir.Table:
    """Add `quality_flags` to bars: sorted words separated by spaces, empty where there are none.

    ``jump``
        The log return exceeds `jump_sigmas` robust sigmas (1.4826 x the median absolute log return
        of the rows before; NULL or 0 gives no scale and no flag), and neither a volume of
        `volume_multiple` usual ones nor the median return of at least `peer_minimum` other
        equities of the same sector and region, in the same direction, corroborates it.
    ``no_volume``
        The volume is missing although one of the `volume_rows` rows before had one.
    ``off_calendar``
        The exchange is known, its sessions span the date, and the date is none of them.
    ``provisional``
        The bar was fetched before its session had settled.
    ``stale``
        Volume 0 and every price that exists equal to the previous close.

    A flag rests on rows up to its own session only. The rolling median is an exact one on every
    engine Ibis renders it for (DuckDB: ``quantile_cont``, Spark: ``percentile``).

    Parameters
    ----------
    bars : ibis Table
        One row per listing and session: open, high, low, close (currency per share), volume
        (shares), `is_provisional`.
    sessions, instruments : ibis Table
        Columns of ``core.sessions`` and ``core.instruments``.
    thresholds : Judgement
        When a bar is suspicious.
    known : ibis Table, optional
        `listing_id`, `session_date`, `close` and `volume` of the bars and of those before that a
        flag rests on; without it the bars are all there are.

    Returns
    -------
    ibis Table
        The bars' columns and `quality_flags`.
    """
    listed = instruments.select("listing_id", "exchange_mic", "asset_class", "sector", "region")
    if known is None:
        rated = _measured(bars, thresholds)
    else:
        rated = looked_up(bars, _measured_few(bars, known, thresholds), _BAR)
    measured = looked_up(rated, listed, "listing_id")
    judged = _off_calendar(_peer_moves(measured, thresholds), sessions)
    flags = {
        "jump": _is_candidate(judged, thresholds)
        & _lacks_volume(judged, thresholds)
        & judged.peer_return.isnull(),
        "no_volume": judged.volume.isnull() & (judged.n_volumes > 0),
        "off_calendar": judged.is_off_calendar,
        "provisional": judged.is_provisional,
        "stale": _is_stale(judged),
    }
    words = [flag.ifelse(f"{word} ", "") for word, flag in flags.items()]
    text = words[0]
    for word in words[1:]:
        text = text.concat(word)
    return judged.select(*bars.columns, quality_flags=text.strip())


def _measured(bars: ir.Table, thresholds: Judgement) -> ir.Table:
    """Add what the rows before a bar say of its size."""
    sized = _sized(bars)
    long = by_listing(preceding=(thresholds.jump_rows, 1))
    short = by_listing(preceding=(thresholds.volume_rows, 1))
    return sized.mutate(
        robust_sigma=sized.size.median().over(long) * MAD_TO_SIGMA,
        n_returns=sized.size.count().over(long),
        usual_volume=sized.volume.mean().over(short),
        n_volumes=sized.volume.count().over(short),
    )


def _measured_few(bars: ir.Table, known: ir.Table, thresholds: Judgement) -> ir.Table:
    """Return what `_measured` adds, of few bars among many that are known.

    By pairs of a bar and the rows before it: windows over a year of bars for the sake of its last
    session took two thirds of the time.
    """
    import ibis

    rows = _sized(known).mutate(row=ibis.row_number().over(by_listing()))
    asked = rows.semi_join(bars, _BAR)
    behind = rows.select("listing_id", past_row="row", past_size="size", past_volume="volume")
    most = max(thresholds.jump_rows, thresholds.volume_rows)
    pairs = asked.left_join(
        behind,
        (
            asked.listing_id == behind.listing_id,
            behind.past_row < asked.row,
            behind.past_row >= asked.row - most,
        ),
    )
    is_long = pairs.past_row >= pairs.row - thresholds.jump_rows
    is_short = pairs.past_row >= pairs.row - thresholds.volume_rows
    # Spark has no median of some rows.
    sizes = is_long.ifelse(pairs.past_size, None)
    return pairs.group_by(*_BAR, "previous_close", "log_return", "size").aggregate(
        robust_sigma=sizes.median() * MAD_TO_SIGMA,
        n_returns=pairs.past_size.count(where=is_long),
        usual_volume=pairs.past_volume.mean(where=is_short),
        n_volumes=pairs.past_volume.count(where=is_short),
    )


def _sized(bars: ir.Table) -> ir.Table:
    """Add the close before, the log return from it and its size."""
    lagged = bars.mutate(previous_close=bars.close.lag().over(by_listing()))
    moved = lagged.mutate(
        log_return=(lagged.close / lagged.previous_close.nullif(0)).nullif(0).ln()
    )
    return moved.mutate(size=moved.log_return.abs())


def _is_candidate(rows: ir.Table, thresholds: Judgement) -> ir.BooleanColumn:
    """Whether a move is large enough to need corroboration."""
    return (
        (rows.n_returns >= thresholds.jump_minimum)
        & (rows.robust_sigma > 0)
        & (rows.size > rows.robust_sigma * thresholds.jump_sigmas)
    )


def _lacks_volume(rows: ir.Table, thresholds: Judgement) -> ir.BooleanColumn:
    """Whether no unusual trading corroborates a move."""
    usual = rows.usual_volume * thresholds.volume_multiple
    return rows.volume.isnull() | usual.isnull() | (rows.volume == 0) | (rows.volume < usual)


def _is_stale(rows: ir.Table) -> ir.BooleanColumn:
    """Whether nothing traded and no price differs from the close before."""
    still = rows.close == rows.previous_close
    for price in (rows.open, rows.high, rows.low):
        still &= price.isnull() | (price == rows.previous_close)
    return (rows.volume == 0) & still


def _peer_moves(rows: ir.Table, thresholds: Judgement) -> ir.Table:
    """Add `peer_return` where the sector's other equities moved along with a jump, else NULL."""
    place = ("session_date", "sector", "region")
    asking = rows.filter(_is_candidate(rows, thresholds)).select("listing_id", "log_return", *place)
    peers = rows.filter(rows.asset_class == "equity", rows.log_return.notnull()).select(
        *place, peer_id="listing_id", peer_return="log_return"
    )
    pairs = asking.inner_join(peers, place).filter(lambda t: t.listing_id != t.peer_id)
    medians = pairs.group_by("listing_id", "session_date", "log_return").aggregate(
        peer_return=pairs.peer_return.median(), n_peers=pairs.count()
    )
    moved = (
        (medians.n_peers >= thresholds.peer_minimum)
        & (medians.peer_return * medians.log_return > 0)
        & (medians.peer_return.abs() >= medians.log_return.abs() * thresholds.peer_share)
    )
    found = medians.filter(moved).select("listing_id", "session_date", "peer_return")
    return looked_up(rows, found, _BAR)


def _off_calendar(rows: ir.Table, sessions: ir.Table) -> ir.Table:
    """Add `is_off_calendar`: the exchange's sessions span the date but do not name it."""
    spans = sessions.group_by("exchange_mic").aggregate(
        first_session=sessions.session_date.min(), last_session=sessions.session_date.max()
    )
    days = sessions.select("exchange_mic", "session_date", known_date="session_date")
    placed = looked_up(rows, spans, "exchange_mic")
    placed = looked_up(placed, days, ("exchange_mic", "session_date"))
    inside = placed.session_date.between(placed.first_session, placed.last_session)
    return placed.mutate(is_off_calendar=inside & placed.known_date.isnull())
