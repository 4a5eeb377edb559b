"""Index levels and margin ratios of the demonstration: every figure is invented."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from outreach.samples.bad_rows import FAULTS
from outreach.samples.columns import client_no
from outreach.samples.draw import Draws

LEVEL_COLUMNS: Final = ("指数代码", "指数名称", "英文名称", "行情时间", "最新点位", "昨收")
RATIO_COLUMNS: Final = ("客户号", "维持担保比例", "警戒线", "平仓线", "截至时间")
_CSI300: Final = ("CSI300", "沪深300指数", "CSI 300 Index")
_CHINEXT: Final = ("CHINEXT", "创业板指", "ChiNext Index")
# A slide of one day that reaches 3 % at 14:45, and the close of the session before.
LEVELS: Final = (
    (*_CSI300, "2026-09-24 15:00:00", "4000.00", "4012.50"),
    (*_CHINEXT, "2026-09-24 15:00:00", "2000.00", "2011.00"),
    (*_CSI300, "2026-09-28 09:35:00", "3984.00", "4000.00"),
    (*_CSI300, "2026-09-28 10:30:00", "3952.00", "4000.00"),
    (*_CSI300, "2026-09-28 11:30:00", "3936.00", "4000.00"),
    (*_CHINEXT, "2026-09-28 11:30:00", "1956.00", "2000.00"),
    (*_CSI300, "2026-09-28 14:00:00", "3904.00", "4000.00"),
    (*_CSI300, "2026-09-28 14:45:00", "3878.00", "4000.00"),
    (*_CSI300, "2026-09-28 15:00:00", "3876.00", "4000.00"),
    (*_CHINEXT, "2026-09-28 15:00:00", "1924.00", "2000.00"),
)
_FAULTY: Final = frozenset(fault.row for fault in FAULTS)
_GONE: Final = ("销户", "身故")


def ratio_rows(seed: int, columns: dict[str, list[str]]) -> Iterator[tuple[str, ...]]:
    """A ratio for every client with a margin account, as of the close of 28 September 2026."""
    rows = np.arange(1, len(columns["开通权限"]) + 1, dtype=np.int64)
    above = Draws(seed, rows).below("margin ratio", 18_000).tolist()
    read = zip(rows.tolist(), columns["开通权限"], columns["账户状态"], above, strict=True)
    for row, permissions, status, ratio in read:
        if "融资融券" in permissions and status not in _GONE and row not in _FAULTY:
            percent = (12_000 + ratio) / 100  # from 120 % up to 300 %
            yield client_no(row), f"{percent:.2f}%", "150%", "130%", "2026-09-28 15:00:00"
