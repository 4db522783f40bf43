"""Quantile connectedness beside R ConnectednessApproach 1.0.4."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from selloff.spillover.quantile_var import quantile_connectedness
from tests.selloff.spillover.parity_connectedness import Pair, panel

if TYPE_CHECKING:
    from collections.abc import Iterator

# Total at each quantile, of the volatilities of Diebold and Yilmaz (2012), QVAR(1), H = 10.
TOTALS = {0.05: 0.653373573708981, 0.5: 0.166864874867768, 0.95: 0.64847830528058}


def pairs() -> Iterator[Pair]:
    """Yield every quantity that a peer has found too.

    The peer's regressions stop short of the vertex (quantreg's interior point method "fn"); ours
    end there, so that they differ in the eleventh digit.
    """
    for quantile, total in TOTALS.items():
        ours = quantile_connectedness(panel("ca_dy2012"), quantile=quantile).total
        quantity = f"total at the quantile {quantile}"
        yield Pair(quantity, "ConnectednessApproach", "dy2012", ours, np.array([total]), 1e-10)
