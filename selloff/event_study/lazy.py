"""Arrays of one row per event that are computed when, and as far as, they are asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

Number = TypeVar("Number", bound=np.generic)
Some = Any  # a slice of events, or an array of their numbers


class Lazy(Generic[Number]):
    """Rows of events, computed for the events asked for and forgotten again.

    The residuals of 10,000 events over 250 rows are 20 MB and follow from 6 MB of returns: holding
    them would make memory depend on how often the same rows are estimated on.

    Parameters
    ----------
    compute : callable
        Given a slice or an array of event numbers, returns their rows, of shape (n_asked, n_rows).
    shape : tuple of int
        (n_events, n_rows).

    Examples
    --------
    >>> squares = Lazy(lambda some: np.arange(4.0)[some, None] ** 2, (4, 1))
    >>> squares[1:3].ravel().tolist()
    [1.0, 4.0]
    >>> np.asarray(squares).shape
    (4, 1)
    """

    __slots__ = ("compute", "shape")

    def __init__(self, compute: Callable[[Some], NDArray[Number]], shape: tuple[int, int]) -> None:
        self.compute = compute
        self.shape = shape

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: Any) -> NDArray[Number]:
        if isinstance(key, slice) or (isinstance(key, np.ndarray) and key.dtype.kind == "i"):
            return self.compute(key)
        found: NDArray[Number] = np.asarray(self)[key]
        return found

    def __array__(self, dtype: Any = None, *, copy: bool | None = None) -> NDArray[Any]:
        if copy is False:
            raise ValueError("rows that are computed cannot be had without computing them")
        return np.asarray(self.compute(slice(None)), dtype=dtype)


def chosen(rows: NDArray[Number] | Lazy[Number], events: NDArray[np.int64]) -> Lazy[Number]:
    """Return the rows of some events, in the order given.

    Examples
    --------
    >>> chosen(np.array([[1.0], [2.0], [3.0]]), np.array([2, 0]))[0:2].ravel().tolist()
    [3.0, 1.0]
    """
    return Lazy(lambda some: rows[events[some]], (len(events), rows.shape[1]))


def one_after_another(parts: Sequence[NDArray[Number] | Lazy[Number]]) -> Lazy[Number]:
    """Return the rows of all parts, those of the first part first.

    Raises
    ------
    ValueError
        If the parts differ in their number of columns.

    Examples
    --------
    >>> rows = one_after_another([np.array([[1.0], [2.0]]), np.array([[3.0]])])
    >>> rows[1:3].ravel().tolist()
    [2.0, 3.0]
    """
    width = parts[0].shape[1]
    if any(part.shape[1] != width for part in parts):
        raise ValueError("samples with different estimation rows cannot be put together")
    ends = np.cumsum([len(part) for part in parts])

    def compute(some: Some) -> NDArray[Number]:
        asked = np.arange(ends[-1])[some]
        pieces, order = [], []
        for part, end in zip(parts, ends, strict=True):
            inside = np.flatnonzero((asked >= end - len(part)) & (asked < end))
            pieces.append(part[asked[inside] - (end - len(part))])
            order.append(inside)
        found: NDArray[Number] = np.empty((len(asked), width), dtype=pieces[0].dtype)
        found[np.concatenate(order)] = np.concatenate(pieces)
        return found

    return Lazy(compute, (int(ends[-1]), width))
