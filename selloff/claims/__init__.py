"""Figures that articles state of prices: how they are read, and how well."""
