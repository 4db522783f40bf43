"""What the walks over sessions share: columns as arrays, and lookups among them.

Not here: what is looked up (`selloff.session_returns` and the other walks).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

# No instant and no day: before every other, so that a maximum passes over it.
NEVER = np.iinfo(np.int64).min


def places(texts: Any, names: pa.Array) -> Ints:
    """Return where each text stands among names; -1 where it does not, or is NULL."""
    import pyarrow as pa
    import pyarrow.compute as pc

    known = names.cast(pa.string())
    # NULL would else be found where the names hold one.
    rows: Ints = pc.index_in(texts, value_set=known, skip_nulls=True).fill_null(-1).to_numpy()
    return rows.astype(np.int64)


def coded(texts: Any) -> tuple[Ints, pa.Array]:
    """Return each text's place among the different ones, in order, and those; -1 for NULL."""
    import pyarrow.compute as pc

    names = pc.unique(texts).drop_null()
    names = names.take(pc.sort_indices(names))
    return places(texts, names), names


def days_of(dates: Any) -> Ints:
    """Return dates as days since 1970; `NEVER` for NULL."""
    days = dates.cast("date32").cast("int32").cast("int64").fill_null(NEVER)
    found: Ints = days.to_numpy()
    return found


def floats(numbers: Any) -> NDArray[np.float64]:
    """Return numbers as floats; NaN for NULL."""
    found: NDArray[np.float64] = numbers.to_numpy().astype(np.float64, copy=False)
    return found


def micros(instants: Any) -> Ints:
    """Return instants as microseconds since 1970."""
    found: Ints = instants.cast("timestamp[us]").cast("int64").to_numpy()
    return found


def as_dates(days: Ints) -> pa.Array:
    """Return days since 1970 as dates; NULL for `NEVER`."""
    import pyarrow as pa

    return pa.array(days.astype(np.int32), mask=days == NEVER).cast(pa.date32())


def as_instants(micros: Ints) -> pa.Array:
    """Return microseconds since 1970 as instants; NULL for `NEVER`."""
    import pyarrow as pa

    return pa.array(micros, mask=micros == NEVER).cast(pa.timestamp("us"))


def ascending(keys: Ints) -> Ints | slice:
    """Return the order in which keys ascend; as they lie where they do so already."""
    return slice(None) if (keys[1:] >= keys[:-1]).all() else np.argsort(keys, kind="stable")


def rows_with(keys: Ints, wanted: Ints) -> Ints:
    """Return where each wanted key lies among ascending ones; -1 where it does not.

    Examples
    --------
    >>> rows_with(np.array([3, 5, 9]), np.array([9, 4, 3, 99])).tolist()
    [2, -1, 0, -1]
    """
    if not len(keys):
        return np.full(len(wanted), -1)
    rows = np.searchsorted(keys, wanted).clip(max=len(keys) - 1)
    return np.where(keys[rows] == wanted, rows, -1)


class Latest:
    """What was known of a key on a day: the newest row with that key on or before it.

    Parameters
    ----------
    keys : int array of shape (n_rows,)
        Not negative; a row with a negative key stands for none.
    days : int array of shape (n_rows,)
        From which each row is known; at most once with each key.
    """

    def __init__(self, keys: Ints, days: Ints) -> None:
        order = np.lexsort((days, keys))
        self._rows = order[keys[order] >= 0]
        self._first = int(days[self._rows].min(initial=0))
        self._width = int(days[self._rows].max(initial=0)) - self._first + 2
        self._at = keys[self._rows] * self._width + days[self._rows] - self._first + 1
        self._keys, self._days = keys, days

    def at(self, keys: Ints, days: Ints, age: int | None = None) -> Ints:
        """Return the rows for keys and days; -1 where none was known, or none as young as `age`.

        Examples
        --------
        >>> told = Latest(np.array([0, 0, 1]), np.array([10, 20, 15]))
        >>> told.at(np.array([0, 0, 0, 1, 2, -1]), np.array([9, 19, 99, 15, 15, 15])).tolist()
        [-1, 0, 1, 2, -1, -1]
        >>> told.at(np.array([0, 0]), np.array([27, 28]), age=7).tolist()
        [1, -1]
        """
        if not len(self._rows):
            return np.full(len(keys), -1)
        # A day before all of them stands behind what is known of the key before.
        since = np.clip(days, self._first - 1, self._first + self._width - 2) - self._first + 1
        last = np.searchsorted(self._at, keys * self._width + since, side="right") - 1
        rows = self._rows[last]
        is_known = (last >= 0) & (keys >= 0) & (self._keys[rows] == keys)
        if age is not None:
            is_known &= days - self._days[rows] <= age
        return np.where(is_known, rows, -1)
