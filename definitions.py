"""Everything put together, nothing decided."""

import dagster as dg

import automation
from assets import (
    articles,
    contagion,
    drawdowns,
    event_studies,
    instruments,
    losses,
    prices,
    report,
    returns,
    selloffs,
    stories,
    valuation,
)
from checks import batches, contract, freshness, reference, sources, spread
from checks import claims as claim_checks
from checks import contagion as contagion_checks
from checks import drawdowns as drawdown_checks
from checks import event_studies as event_study_checks
from checks import losses as loss_checks
from checks import prices as price_checks
from checks import returns as return_checks
from checks import selloffs as selloff_checks
from resources.configured import configured

ASSETS = (
    prices,
    instruments,
    valuation,
    articles,
    returns,
    drawdowns,
    selloffs,
    losses,
    event_studies,
    contagion,
    stories,
    report,
)
CHECKS = (
    contract,
    batches,
    sources,
    reference,
    price_checks,
    return_checks,
    drawdown_checks,
    event_study_checks,
    loss_checks,
    selloff_checks,
    contagion_checks,
    spread,
    claim_checks,
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
