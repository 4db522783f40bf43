"""How we reach the world: price providers, article sources, calendars, the warehouse connection.

Not here: what a table means (`warehouse`), what exists (`assets`), any mathematics (`selloff`).
No resource does work at import or touches the network when it is made.
"""
