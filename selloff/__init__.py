"""The mathematics of a sell-off: returns, judgements, detection, losses, contagion, mentions.

Belongs here: pure functions over arrays, frames and Ibis tables, with units and sources in their
docstrings. Tables come in and expressions go out, so that one definition runs on every engine
that Ibis speaks. Does not belong here: fetching, storing, scheduling, configuration, logging; no
orchestrator, no database and no vendor is ever imported.
"""
