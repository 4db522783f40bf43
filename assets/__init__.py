"""What exists: one module per subject, one function per table, named like the table.

Not here: how data is fetched or stored (`resources`), what a table means (`warehouse`), any
formula (`selloff`), what must be true of the result (`checks`).
"""
