"""What articles claim of prices, held against the prices."""
