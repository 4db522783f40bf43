"""Whether rows come in the order in which their table keeps them: what is in order is not sorted.

Not here: what that order is (`writing.order`).
"""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa


class InOrder:
    """Says of batches, as they pass, whether each row comes strictly after the one before.

    Seeing 48 million rows takes 2 s of processor time; sorting them by two keys took more than
    everything else that writing them does.

    Parameters
    ----------
    names : sequence of str
        The columns, the first of which decides before the others. A missing value is not in order.

    Examples
    --------
    >>> import pyarrow as pa
    >>> order = InOrder(["day", "name"])
    >>> order.see(pa.record_batch({"day": [1, 1, 2], "name": ["a", "b", "a"]}))
    >>> order.see(pa.record_batch({"day": [2], "name": ["b"]}))
    >>> order.holds
    True
    >>> order.see(pa.record_batch({"day": [2], "name": ["b"]}))
    >>> order.holds
    False
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.holds = True
        self._names = list(names)
        self._last: pa.RecordBatch | None = None

    def see(self, batch: pa.RecordBatch) -> None:
        """Compare the rows of a batch with each other and with the last one before it."""
        if not self.holds or not batch.num_rows:
            return
        keys = batch.select(self._names)
        self.holds = self._last is None or _ascends(keys.slice(0, 1), self._last)
        self.holds = self.holds and _ascends(keys.slice(1), keys.slice(0, keys.num_rows - 1))
        self.holds = self.holds and not any(column.null_count for column in keys.columns)
        self._last = keys.slice(keys.num_rows - 1)


def _ascends(later: pa.RecordBatch, earlier: pa.RecordBatch) -> bool:
    """Return whether each row of `later` comes after that of `earlier`."""
    import pyarrow.compute

    pc: Any = pyarrow.compute  # its functions are made when it is loaded: none is known to checkers

    pairs = list(zip(later.columns, earlier.columns, strict=True))

    def decided(last: Any, pair: tuple[Any, Any]) -> Any:
        return pc.or_(pc.greater(*pair), pc.and_(pc.equal(*pair), last))

    last = pc.greater(*pairs[-1])
    return bool(pc.all(reduce(decided, reversed(pairs[:-1]), last), min_count=0).as_py())
