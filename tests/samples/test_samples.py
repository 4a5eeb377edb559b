"""The shipped sample files are what the generator writes, and what their README says."""

import csv
from collections import Counter
from pathlib import Path

import numpy as np
import phonenumbers
import pytest

from outreach.samples.bad_rows import FAULTS
from outreach.samples.generate import client_columns, write_clients, write_consents, write_holdings
from outreach.samples.market import HALTS, SECURITIES
from outreach.samples.shipped import CLIENTS, write_samples

SAMPLES = Path(__file__).parents[2] / "samples"


def _rows(path: Path, encoding: str = "gb18030") -> list[list[str]]:
    with path.open(encoding=encoding, newline="") as file:
        return list(csv.reader(file))


def _columns(rows: int, seed: int = 1) -> dict[str, list[str]]:
    return client_columns(seed, np.arange(1, rows + 1, dtype=np.int64))


def test_the_shipped_files_come_out_of_the_seed_byte_for_byte(tmp_path: Path) -> None:
    write_samples(tmp_path)

    written = sorted(path.name for path in tmp_path.iterdir())
    assert written == sorted(path.name for path in SAMPLES.glob("*.csv"))
    for name in written:
        assert (tmp_path / name).read_bytes() == (SAMPLES / name).read_bytes(), name


def test_a_row_does_not_depend_on_how_many_there_are() -> None:
    few, many = _columns(50), _columns(5_000)

    assert all(few[name] == many[name][:50] for name in few)


def test_another_seed_makes_other_clients() -> None:
    assert _columns(50, seed=1)["客户姓名"] != _columns(50, seed=2)["客户姓名"]


def test_every_bad_row_stands_in_the_readme_with_its_line() -> None:
    text = (SAMPLES / "README.md").read_text(encoding="utf-8")

    assert all(f"| {fault.row} | {fault.row + 2} | {fault.wrong} |" in text for fault in FAULTS)
    assert f"rejects {len(FAULTS)}." in text
    assert f"takes {CLIENTS - len(FAULTS):,}" in text


def test_the_client_file_has_title_header_clients_and_total() -> None:
    rows = _rows(SAMPLES / "clients.csv")

    assert rows[0] == ["示例证券客户资料导出 截止日期:2026-09-24"]
    assert rows[1][:3] == ["客户号", "资金账号", "客户姓名"]
    assert rows[-1][:2] == ["合计", "共5000户"]
    assert len(rows) == CLIENTS + 3


def test_names_of_every_kind_survive_gb18030() -> None:
    names = [row[2] for row in _rows(SAMPLES / "clients.csv")[2:-1]]

    for part in ("欧阳", "·", "𠮷", "䶮", "㛃", "Zoë", "O'Neill"):
        assert any(part in name for name in names), part


def test_states_of_an_account_agree_with_its_figures() -> None:
    columns = _columns(20_000)
    for status, value, cash, opened, traded in zip(
        *(
            columns[n]
            for n in ("账户状态", "持仓市值(元)", "资金余额(元)", "开户日期", "最近交易日期")
        ),
        strict=True,
    ):
        if status == "休眠":
            assert (float(value), float(cash) < 100, traded < "2023-09-24") == (0, True, True)
        if status == "销户":
            assert float(value) == float(cash) == 0
        assert traded == "" or traded.replace("-", "") >= opened


def test_the_shares_of_a_large_book_are_realistic() -> None:
    columns = _columns(50_000)
    status = Counter(columns["账户状态"])
    average = zip(columns["日均资产(万元)"], columns["客户类型"], strict=True)
    wealthy = sum(float(value) >= 600 for value, _ in average)
    new = sum(opened > "20260830" for opened in columns["开户日期"])

    assert 0.74 < status["正常"] / 50_000 < 0.82
    assert 0.06 < status["休眠"] / 50_000 < 0.10
    assert 0.012 < wealthy / 50_000 < 0.022
    assert 0.005 < new / 50_000 < 0.02
    assert len(set(columns["客户号"])) == len(set(columns["资金账号"])) == 50_000


@pytest.mark.parametrize(
    ("home", "start"),
    [("CN", "1349"), ("HK", "+8524600"), ("US", "+1"), ("CA", "+1"), ("GB", "+447700900")],
)
def test_phones_come_from_the_ranges_of_the_readme(home: str, start: str) -> None:
    columns = _columns(20_000)
    phones = [
        phone
        for phone, where in zip(columns["手机号"], columns["居住地"], strict=True)
        if where == home and phone and not phone.startswith("021-0000")
    ]

    assert phones
    assert all(phone.startswith(start) for phone in phones)
    if start == "+1":
        assert all(phone[5:10] == "55501" for phone in phones)
    if home != "GB":
        assert all(phonenumbers.is_valid_number(phonenumbers.parse(p, home)) for p in phones)


def test_holders_exist_for_every_security_halted_in_the_demonstration() -> None:
    held = Counter(row[1] for row in _rows(SAMPLES / "holdings.csv")[1:])

    assert set(held) == {security.symbol for security in SECURITIES}
    assert all(held[halt[2]] >= 20 for halt in HALTS)


def test_events_speak_of_clients_who_are_in_the_book() -> None:
    faulty = {fault.row + 1 for fault in FAULTS}
    book = {
        row[0].strip('="')
        for line, row in enumerate(_rows(SAMPLES / "clients.csv")[2:-1], start=2)
        if line not in faulty
    }
    holdings = {row[0] for row in _rows(SAMPLES / "holdings.csv")[1:]}
    consents = {row[0] for row in _rows(SAMPLES / "consents.csv", "utf-8-sig")[1:]}

    assert holdings <= book
    assert consents <= book


def test_a_batch_import_claims_clients_who_had_opted_out() -> None:
    rows = _rows(SAMPLES / "consents.csv", "utf-8-sig")[1:]
    batch = {row[0] for row in rows if row[4] == "批量导入"}
    left = {row[0] for row in rows if row[3] == "退订" and row[4] == "短信回复"}

    assert batch
    assert batch <= left


def test_a_file_of_any_size_ends_with_its_total(tmp_path: Path) -> None:
    write_clients(tmp_path / "clients.csv", 45_000, encoding="utf-8-sig")
    rows = _rows(tmp_path / "clients.csv", "utf-8-sig")

    assert len(rows) == 45_003
    assert rows[-1][:2] == ["合计", "共45000户"]
    assert len({row[0] for row in rows[2:-1]}) == 45_000


def test_holdings_and_consents_of_any_size_hold_those_of_the_sample(tmp_path: Path) -> None:
    write_holdings(tmp_path / "holdings.csv", 21_000)
    write_consents(tmp_path / "consents.csv", 5_000)

    assert _rows(tmp_path / "holdings.csv")[:8_000] == _rows(SAMPLES / "holdings.csv")[:8_000]
    assert sorted(_rows(tmp_path / "consents.csv")) == sorted(
        _rows(SAMPLES / "consents.csv", "utf-8-sig")
    )
