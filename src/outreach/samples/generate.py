"""Write a synthetic client book of any size as a broker's back office would export it.

`python -m outreach.samples.generate --count 1000000 --out clients.csv` writes a block at a time,
so memory does not grow with the count.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np

from outreach.samples import columns
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
        "客户号": [f'="{client_no(row)}"' for row in rows.tolist()],
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


def client_no(row: int) -> str:
    """The client number of a row: ten digits with leading zeros."""
    return f"{row:010d}"


def client_rows(count: int, seed: int = SEED) -> Iterator[list[str]]:
    """The cells of each row, in file order."""
    for start in range(1, count + 1, BLOCK):
        rows = np.arange(start, min(start + BLOCK, count + 1), dtype=np.int64)
        yield from map(list, zip(*client_columns(seed, rows).values(), strict=True))


def write_clients(path: Path, count: int, seed: int = SEED, encoding: str = "gb18030") -> None:
    """Write `count` faultless clients with title row, header and trailing total."""
    header = list(client_columns(seed, np.arange(1, 2, dtype=np.int64)))
    with path.open("w", encoding=encoding, newline="") as file:
        file.write(f"{TITLE}\r\n{','.join(header)}\r\n")
        for start in range(1, count + 1, BLOCK):
            rows = np.arange(start, min(start + BLOCK, count + 1), dtype=np.int64)
            cells = zip(*client_columns(seed, rows).values(), strict=True)
            file.write("\r\n".join(map(",".join, cells)) + "\r\n")
        file.write(total_row(count, len(header)) + "\r\n")


def total_row(count: int, width: int) -> str:
    """The line a back office adds at the end; an importer must not take it for a client."""
    return f"合计,共{count}户" + "," * (width - 2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--encoding", default="gb18030", choices=("gb18030", "utf-8-sig", "utf-8"))
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    write_clients(given.out, given.count, given.seed, given.encoding)


if __name__ == "__main__":
    main()
