"""What the tables mean: contracts, the DDL and dictionary made from them, and the views BI sees.

Not here: how a connection is opened or a row written (`resources`), what fills a table (`assets`).
"""
