"""Write a synthetic client book of any size as a broker's back office would export it.

`python -m outreach.samples.generate --count 1000000 --out clients.csv` writes a block at a time,
so memory does not grow with the count.
"""

import argparse
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from outreach.samples import columns, events
from outreach.samples.draw import Numbers

SEED: Final = 20260924
BLOCK: Final = 20_000
TITLE: Final = "示例证券客户资料导出 截止日期:2026-09-24"


def client_columns(seed: int, rows: Numbers) -> dict[str, list[str]]:
    """The file's columns in order, header first, for the rows with these numbers (from 1)."""
    b = columns.block(seed, rows)
    blank = [""] * len(rows)
    dates = columns.dates(b)
    assessments = columns.assessments(b)
    return {
        "客户号": [f'="{columns.client_no(row)}"' for row in rows.tolist()],
        "资金账号": [f'="00{row * 611_953 % 10_000_000_000:010d}"' for row in rows.tolist()],
        "客户姓名": columns.names(b),
        "客户类型": list(b.kind.tolist()),
        "账户状态": list(b.status.tolist()),
        "法律限制": columns.yes_no(b, "hold", 20),
        "手机号": columns.phones(b),
        "电子邮件": columns.emails(b),
        "居住地": list(b.home.tolist()),
        "时区": columns.zones(b),
        "语言": columns.languages(b),
        "营业部": columns.weights(b, "branch"),
        "客户经理": columns.advisers(b),
        "开户日期": dates["开户日期"],
        "激活日期": dates["激活日期"],
        "证件有效期": dates["证件有效期"],
        **assessments,
        "投资者类别": columns.grades(b),
        **columns.money(b),
        "日均天数": ["20"] * len(rows),
        "资产截止日": ["2026-09-24"] * len(rows),
        "最近交易日期": dates["最近交易日期"],
        "开通权限": columns.weights(b, "permissions"),
        "关注主题": columns.weights(b, "topics"),
        "短信同意": columns.yes_no(b, "sms", 6200),
        "邮件同意": columns.yes_no(b, "mail", 5100),
        "备注": blank,
    }


def write_clients(path: Path, count: int, seed: int = SEED, encoding: str = "gb18030") -> None:
    """Write `count` faultless clients with title row, header and trailing total."""
    header = list(client_columns(seed, np.arange(1, 2, dtype=np.int64)))
    with path.open("w", encoding=encoding, newline="") as file:
        file.write(f"{TITLE}\r\n{','.join(header)}\r\n")
        for rows in _blocks(count):
            cells = zip(*client_columns(seed, rows).values(), strict=True)
            file.write("\r\n".join(map(",".join, cells)) + "\r\n")
        file.write(total_row(count, len(header)) + "\r\n")


def write_holdings(path: Path, count: int, seed: int = SEED) -> None:
    """Write what the clients of a book of `count` hold."""
    _write_events(path, events.HOLDING_COLUMNS, events.holding_rows, count, seed)


def write_consents(path: Path, count: int, seed: int = SEED) -> None:
    """Write the consent events of the clients of a book of `count`, client by client."""
    _write_events(path, events.CONSENT_COLUMNS, events.consent_rows, count, seed)


def _write_events(
    path: Path,
    header: Sequence[str],
    rows_of: Callable[[int, list[events.Holder]], Iterator[tuple[str, ...]]],
    count: int,
    seed: int,
) -> None:
    with path.open("w", encoding="gb18030", newline="") as file:
        file.write(",".join(header) + "\r\n")
        for rows in _blocks(count):
            holders = events.holders(client_columns(seed, rows), int(rows[0]))
            file.writelines(",".join(row) + "\r\n" for row in rows_of(seed, holders))


def _blocks(count: int) -> Iterator[Numbers]:
    for start in range(1, count + 1, BLOCK):
        yield np.arange(start, min(start + BLOCK, count + 1), dtype=np.int64)


def total_row(count: int, width: int) -> str:
    """The line a back office adds at the end; an importer must not take it for a client."""
    return f"合计,共{count}户" + "," * (width - 2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--encoding", default="gb18030", choices=("gb18030", "utf-8-sig", "utf-8"))
    parser.add_argument("--out", type=Path, required=True, help="the client file")
    parser.add_argument("--holdings", type=Path, help="also write what they hold")
    parser.add_argument("--consents", type=Path, help="also write their consent events")
    given = parser.parse_args()
    write_clients(given.out, given.count, given.seed, given.encoding)
    if given.holdings:
        write_holdings(given.holdings, given.count, given.seed)
    if given.consents:
        write_consents(given.consents, given.count, given.seed)


if __name__ == "__main__":
    main()
