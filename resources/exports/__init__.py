"""A release taken out of the warehouse: workbooks for people, a lake of Parquet for engines.

Not here: how a release is made and opened (`resources.warehouse`).
"""
