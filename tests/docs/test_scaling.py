"""The sums of docs/scaling.md follow from what the page says was measured."""

import re
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "scaling.md").read_text(encoding="utf-8")
CELLS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.splitlines()
    if line.startswith("| ")
]
MEASURED = {row[0]: row[1] for row in CELLS if len(row) == 3}
SUMS = [row for row in CELLS if row[0].startswith("10^")]
UNITS = {
    "B": 1.0, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12,
    "s": 1.0, "min": 60.0, "h": 3600.0, "days": 86400.0,
}  # fmt: skip


def measured(what: str) -> float:
    """The first number of a row."""
    found = re.match(r"[\d,.]+", MEASURED[what])
    assert found, what
    return float(found[0].replace(",", ""))


def said(cell: str) -> float:
    number, _, unit = cell.partition(" ")
    return float(number.replace(",", "")) * UNITS.get(unit, 1.0)


@pytest.mark.parametrize("row", SUMS, ids=lambda row: row[0])
def test_each_sum_is_what_its_formula_gives(row: list[str]) -> None:
    n = 10.0 ** int(row[0].removeprefix("10^"))
    disk, receipt = (
        measured("disk a mail, PostgreSQL"), measured("disk a receipt")
    )  # fmt: skip
    proof = measured("rows the audit log answers for, a mail") * measured("`audit verify`") / 1e6
    expected = [
        n / (13 * 3600),
        n / measured("mails, end to end, planning included"),
        n * disk,
        n * disk * 7305,
        n * (disk + 2 * receipt),
        n * measured("WAL a mail"),
        n * measured("own CPU a mail, planning included") / 1e6,
        n * proof,
        n * proof * 365,
    ]
    for cell, value in zip(row[1:], expected, strict=True):
        if cell == "under 0.1 s":
            assert value < 0.1
        else:
            assert said(cell) == pytest.approx(value, rel=0.13), cell


def test_every_power_of_ten_has_its_line() -> None:
    assert [row[0] for row in SUMS] == [f"10^{k}" for k in range(3, 9)]


def test_the_parts_of_a_mail_on_disk_are_the_whole() -> None:
    parts = map(int, re.findall(r"[a-z] (\d+)", MEASURED["disk a mail, PostgreSQL"]))

    assert sum(parts) == measured("disk a mail, PostgreSQL")


@pytest.mark.parametrize(
    ("sentence", "value"),
    [
        (r"would be full\nafter ([\d,]+) days of 10\^8", 2**45 / (308 * 1e8) ),
        (r"at 10\^8 full after (\d+) days", 2**45 / (2 * 482 * 1e8)),
        (r"10\^8 / 27,400 = (\d+) min", 1e8 / 27_400 / 60),
        (r"client book of 10\^8 takes (\d+) min", 1e8 / 26_798 / 60),
        (r"10\^8 SMS, ([\d,]+) a second over contact hours", 2e8 / 46_800),
        (r"within one hour \(([\d,]+) a second\)", 1e8 / 3600),
        (r"a day full after (\d+) years", 2**45 / (75 * 1e8) / 365),
        (r"mails\) ([\d.]+) hours, a year", 36.5e6 * 3.3 / 20_000 / 3600),
        (r"10\^6 a day (\d+) hours", 365e6 * 3.3 / 20_000 / 3600),
    ],
)  # fmt: skip
def test_the_numbers_in_the_sentences_follow_too(sentence: str, value: float) -> None:
    found = re.search(sentence, PAGE)

    assert found, sentence
    assert float(found[1].replace(",", "")) == pytest.approx(value, rel=0.02)
