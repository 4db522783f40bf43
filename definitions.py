"""Everything put together, nothing decided."""

import dagster as dg

import automation
from assets import (
    articles,
    contagion,
    instruments,
    prices,
    report,
    returns,
    selloffs,
    valuation,
)
from checks import batches, contract, freshness, reference, sources
from checks import prices as price_checks
from checks import returns as return_checks
from checks import selloffs as selloff_checks
from resources.configured import configured

ASSETS = (prices, instruments, valuation, articles, returns, selloffs, contagion, report)
CHECKS = (
    contract,
    batches,
    sources,
    reference,
    price_checks,
    return_checks,
    selloff_checks,
    freshness,
)


defs = dg.Definitions(
    assets=[asset for module in ASSETS for asset in module.ASSETS],
    asset_checks=[check for module in CHECKS for check in module.CHECKS],
    jobs=automation.JOBS,
    schedules=automation.SCHEDULES,
    sensors=automation.SENSORS,
    executor=dg.in_process_executor,
    resources=configured(),
)
