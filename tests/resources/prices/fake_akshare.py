"""Stands in for akshare: one function that asks, reads and fails as akshare 1.19.5 does.

Written from the behaviour of ``stock_us_hist`` there: one GET with a time-out of 15 s, no look at
the status, the JSON's ``data.klines`` as lines of text (day, open, close, high, low, volume and
five more), an empty frame where there are none, the range cut out by the dates' index.
"""

from __future__ import annotations

import pandas as pd
import requests

ADDRESS = "https://63.push2his.eastmoney.com/api/qt/stock/kline/get"
COLUMNS = ["日期", "开盘", "收盘", "最高", "最低", "成交量", *"成涨跌换振"]


def stock_us_hist(symbol, period="daily", start_date="", end_date="", adjust=""):
    asked = {"secid": symbol, "klt": "101", "fqt": {"qfq": "1", "hfq": "2", "": "0"}[adjust]}
    assert period == "daily"
    lines = requests.get(ADDRESS, timeout=15, params=asked).json()["data"]["klines"]
    if not lines:
        return pd.DataFrame()
    frame = pd.DataFrame([line.split(",") for line in lines])
    frame.columns = COLUMNS
    frame.index = pd.to_datetime(frame["日期"], errors="coerce")
    frame = frame[start_date:end_date].reset_index(drop=True)
    for name in COLUMNS[1:6]:
        frame[name] = pd.to_numeric(frame[name], errors="coerce")
    return frame.sort_values("日期", ignore_index=True)
