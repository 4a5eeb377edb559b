"""The faults of the sample client file: what real exports get wrong, each in a row of its own."""

from collections.abc import Callable
from typing import Final, NamedTuple

Cells = dict[str, str]


class Fault(NamedTuple):
    """One bad row: which row of the file, what is wrong with it, and how to make it so."""

    row: int
    wrong: str
    break_it: Callable[[Cells], Cells]


def _cell(column: str, value: str) -> Callable[[Cells], Cells]:
    return lambda cells: {**cells, column: value}


def _shifted(cells: Cells) -> Cells:
    """A comma inside an unquoted name pushes everything after it one column to the right."""
    return {**cells, "客户姓名": cells["客户姓名"] + ",先生"}


FAULTS: Final = (
    Fault(101, "Excel turned the phone into 1.3812E+10", _cell("手机号", "1.3812E+10")),
    Fault(317, "Excel turned the phone into 1.3812E+10", _cell("手机号", "1.3812E+10")),
    Fault(1203, "Excel turned the phone into 1.3945E+10", _cell("手机号", "1.3945E+10")),
    Fault(404, "client number of row 12 again", _cell("客户号", '="0000000012"')),
    Fault(2210, "client number of row 777 again", _cell("客户号", '="0000000777"')),
    Fault(4999, "client number of row 4100 again", _cell("客户号", '="0000004100"')),
    Fault(555, "no client number", _cell("客户号", "")),
    Fault(3030, "no client number", _cell("客户号", "")),
    Fault(606, "30 February", _cell("开户日期", "20260230")),
    Fault(1717, "month 13", _cell("开户日期", "20241305")),
    Fault(2828, "29 February of a year that has none", _cell("测评日期", "2025-02-29")),
    Fault(3939, "a date in words", _cell("最近交易日期", "上周五")),
    Fault(808, "unknown account status", _cell("账户状态", "待定")),
    Fault(2424, "unknown account status", _cell("账户状态", "9")),
    Fault(909, "risk level C9", _cell("风险等级", "C9")),
    Fault(3131, "risk level in words nobody uses", _cell("风险等级", "超级激进")),
    Fault(1010, "spreadsheet error as an amount", _cell("总资产(元)", "#VALUE!")),
    Fault(2929, "an amount in words", _cell("资金余额(元)", "约三万")),
    Fault(1414, "no such time zone", _cell("时区", "Asia/Pekin")),
    Fault(1515, "an unquoted comma in the name shifts the row", _shifted),
    Fault(3535, "an unquoted comma in the name shifts the row", _shifted),
    Fault(1616, "legal hold neither yes nor no", _cell("法律限制", "可能")),
    Fault(4242, "client number destroyed by Excel", _cell("客户号", "1.0E+09")),
    Fault(1919, "unknown kind of client", _cell("客户类型", "宠物")),
    Fault(4646, "unknown language", _cell("语言", "火星文")),
)


def with_faults(row: int, cells: Cells) -> Cells:
    """The row as the sample file has it."""
    fault = _BY_ROW.get(row)
    return fault.break_it(cells) if fault else cells


_BY_ROW: Final = {fault.row: fault for fault in FAULTS}
