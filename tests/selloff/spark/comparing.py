"""When two results are one: equal keys, equal NULLs, values to 1e-9."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd

TOLERANCE = 1e-9


def frame_of(found: Any) -> pd.DataFrame:
    """Return a result of any kind as a frame of objects and floats; NaN and None are NULL."""
    if hasattr(found, "to_pyarrow"):
        found = found.to_pyarrow()
    if hasattr(found, "read_all"):
        found = found.read_all()
    if hasattr(found, "to_pandas"):
        found = found.to_pandas(date_as_object=False)
    return pd.DataFrame({name: _plain(found[name]) for name in sorted(found.columns)})


def _plain(values: pd.Series) -> pd.Series:
    known = values.dropna()
    if len(known) and isinstance(known.iloc[0], Decimal):
        return values.astype(float)
    if pd.api.types.is_datetime64_any_dtype(values):
        return values.astype("datetime64[us]")
    if pd.api.types.is_bool_dtype(values) or not pd.api.types.is_numeric_dtype(values):
        return values.astype(object).where(values.notna(), None).map(_told)
    return values.astype(float)


def _told(value: Any) -> Any:
    """Tell NULL and the two truths as text, which sorts."""
    return "" if value is None else str(value)


def difference(left: pd.DataFrame, right: pd.DataFrame) -> str | None:
    """Return the first difference of two results in one line, None where they are equal."""
    if list(left.columns) != list(right.columns):
        return f"columns {sorted(set(left.columns) ^ set(right.columns))}"
    if len(left) != len(right):
        return f"{len(left)} and {len(right)} rows"
    floats = [name for name in left if left[name].dtype == float]
    keys = [name for name in left if name not in floats]
    # Figures part rows of equal keys; rounded, so that the engines' last digits do not.
    order = [*keys, *floats]
    left, right = (_sorted(each, keys, floats, order) for each in (left, right))
    for name in keys:
        if (unequal := ~_same(left[name], right[name])).any():
            return f"{name}: {left[name][unequal].iloc[0]!r}, {right[name][unequal].iloc[0]!r}"
    for name in floats:
        if (far := _far(left[name].to_numpy(), right[name].to_numpy())).any():
            at = int(np.flatnonzero(far)[0])
            return f"{name}: {left[name].iloc[at]!r}, {right[name].iloc[at]!r}; {far.sum()} rows"
    return None


def _sorted(rows: pd.DataFrame, keys: list, floats: list, order: list) -> pd.DataFrame:
    coarse = rows[keys].copy()
    for name in floats:
        coarse[name] = [float(f"{value:.6g}") for value in rows[name]]
    places = coarse.sort_values(order, kind="stable").index if order else rows.index
    return rows.loc[places].reset_index(drop=True)


def _same(left: pd.Series, right: pd.Series) -> pd.Series:
    return (left == right) | (left.isna() & right.isna())


def _far(left: Any, right: Any) -> Any:
    both = np.isnan(left) & np.isnan(right)
    with np.errstate(invalid="ignore"):
        away = ~(
            np.abs(left - right) <= TOLERANCE * np.maximum(1, np.fmin(np.abs(left), np.abs(right)))
        )
    return away & ~both & (left != right)
