"""The columns of a synthetic client file, a block of rows at a time, consistent within each row.

A dormant account is one by the exchanges' definition (no holdings, under 100 yuan, no trade for
three years), a closed one is empty, a high-net-worth share of about 1.5 % falls out of the
log-normal assets, and nobody trades before the account was opened.
"""

import math
from datetime import date, timedelta
from functools import cache
from statistics import NormalDist
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from outreach.samples import words
from outreach.samples.draw import Draws, Numbers, quantiles, weighted

AS_OF: Final = date(2026, 9, 24)  # the last session before the Mid-Autumn closure
_EPOCH: Final = AS_OF - timedelta(days=40 * 366)
_AS_OF_DAY: Final = (AS_OF - _EPOCH).days
_YEARS_25: Final = 25 * 365

Texts = NDArray[Any]


class Block(NamedTuple):
    """What several columns of a block depend on."""

    draws: Draws
    kind: Texts
    home: Texts
    status: Texts
    opened: Numbers  # days since the epoch of this file
    fen: Numbers  # total assets in 0.01 CNY


@cache
def _table(name: str) -> Texts:
    return weighted(_WEIGHTED[name])


_WEIGHTED: Final[dict[str, tuple[tuple[str, int], ...]]] = {
    "kind": (("个人", 970), ("机构", 23), ("产品", 7)),
    "home": (("CN", 973), ("HK", 14), ("US", 7), ("CA", 3), ("GB", 3)),
    "status": (
        ("正常", 770), ("休眠", 95), ("不合格", 58), ("销户", 68), ("冻结", 7), ("身故", 2),
    ),
    "grade": (("普通", 985), ("专业A", 5), ("专业B", 4), ("专业C", 6)),
    "risk": (("C1", 8), ("C2", 17), ("C3", 34), ("C4", 27), ("C5", 11), ("", 3)),
    "domain": (("example.com", 6), ("example.cn", 3), ("example.org", 1)),
    "US": (
        ("America/New_York", 4), ("America/Los_Angeles", 3), ("America/Chicago", 1), ("", 3),
    ),
    "CA": (("America/Toronto", 3), ("America/Vancouver", 3), ("", 1)),
    "GB": (("Europe/London", 6), ("", 1)),
    "HK": (("Asia/Hong_Kong", 9), ("", 1)),
    "CN": (("Asia/Shanghai", 94), ("", 6)),
    "branch": words.BRANCHES,
    "permissions": words.PERMISSIONS,
    "topics": words.TOPICS,
}  # fmt: skip


@cache
def _dates(form: str) -> Texts:
    """Every day from the epoch to ten years after the as-of date, written in one form."""
    days = (_EPOCH + timedelta(days=day) for day in range(_AS_OF_DAY + 3660))
    if form == "serial":  # what a spreadsheet shows when the cell lost its date format
        written = [str((day - date(1899, 12, 30)).days) for day in days]
    else:
        written = [form.format(y=day.year, m=day.month, d=day.day) for day in days]
    table: Texts = np.empty(len(written), dtype=object)
    table[:] = written
    return table


COMPACT: Final = "{y}{m:02d}{d:02d}"
DASHED: Final = "{y}-{m:02d}-{d:02d}"
SLASHED: Final = "{y}/{m}/{d}"
CHINESE: Final = "{y}年{m}月{d}日"


@cache
def _working_days() -> Numbers:
    """Each day itself, or the Friday before when it falls on a weekend."""
    days = np.arange(_AS_OF_DAY + 1, dtype=np.int64)
    weekday = (days + _EPOCH.weekday()) % 7
    return np.asarray(days - np.maximum(weekday - 4, 0), dtype=np.int64)


@cache
def _ages() -> Numbers:
    """Account ages in days: thick at the young end, thin towards 25 years."""
    return quantiles(lambda share: int(_YEARS_25 * share**1.25))


@cache
def _wealth() -> Numbers:
    """Total assets in fen: log-normal, median 60,000 CNY; 2 % of open accounts pass 6 million."""
    normal = NormalDist(math.log(60_000), 2.25)
    return quantiles(lambda share: min(int(100 * math.exp(normal.inv_cdf(share))), 5 * 10**11))


@cache
def _idle() -> Numbers:
    """Days since the last trade: half within six weeks, a tail of several years."""
    return quantiles(lambda share: int(1 + 1800 * share**5.5))


def block(seed: int, rows: Numbers) -> Block:
    """Draw what the columns of these rows share."""
    draws = Draws(seed, rows)
    age = draws.pick("age", _ages())
    opened = _working_days()[_AS_OF_DAY - age]
    status = draws.pick("status", _table("status")).copy()
    status[(status == "休眠") & (age < 1200)] = "正常"
    home = draws.pick("home", _table("home"))
    kind = draws.pick("kind", _table("kind")).copy()
    kind[home != "CN"] = "个人"
    fen = draws.pick("assets", _wealth()) + draws.below("fen", 100)
    fen = np.where(status == "休眠", draws.below("crumbs", 9_999), fen)
    fen = np.where(status == "销户", 0, fen)
    return Block(draws, kind, home, status, opened, fen)


def client_no(row: int) -> str:
    """The client number of a row: ten digits with leading zeros."""
    return f"{row:010d}"


def names(b: Block) -> list[str]:
    d = b.draws
    written: Texts = (
        d.pick("surname", _objects(words.SURNAMES))
        + d.pick("given", _objects(words.GIVEN))
        + np.where(d.chance("two", 8200), d.pick("given2", _objects(words.GIVEN)), "")
    )
    for column, pool, share in (
        ("compound", words.COMPOUND_SURNAMES, 60),
        ("minority", words.MINORITY_NAMES, 70),
        ("rare", words.RARE_NAMES, 50),
    ):
        hit = d.chance(column, share)
        drawn = d.pick(column + " name", _objects(pool))
        if column == "compound":
            drawn = drawn + d.pick("given", _objects(words.GIVEN))
        elif column == "rare":
            drawn = d.pick("surname", _objects(words.SURNAMES)) + drawn
        written[hit] = drawn[hit]
    abroad = (b.home != "CN") & (b.home != "HK")
    latin = d.pick("first", _objects(words.LATIN_GIVEN)) + " "
    latin = latin + d.pick("last", _objects(words.LATIN_FAMILY))
    written[abroad] = latin[abroad]
    hong_kong = (b.home == "HK") & d.chance("romanised", 6000)
    written[hong_kong] = d.pick("cantonese", _objects(words.HONG_KONG_NAMES))[hong_kong]
    return _organisations(b, written)


def _organisations(b: Block, written: Texts) -> list[str]:
    d = b.draws
    firm = "示例" + d.pick("firm", _objects(words.FIRM_WORDS))
    firm = firm + d.pick("trade", _objects(words.FIRM_TRADES)) + "有限公司"
    fund = "示例" + d.pick("product", _objects(words.PRODUCT_WORDS))
    fund = fund + (1 + d.below("issue", 60)).astype(str).astype(object) + "号私募证券投资基金"
    written = np.where(b.kind == "机构", firm, np.where(b.kind == "产品", fund, written))
    return list(written.tolist())


@cache
def _objects(pool: str | tuple[str, ...]) -> Texts:
    return weighted([(word, 1) for word in pool])


def phones(b: Block) -> list[str]:
    """Numbers nobody is meant to answer; the ranges are explained in samples/README.md."""
    d = b.draws
    # 0.8 % share the number of the client before them, as spouses do.
    owner = d.rows - d.chance("shared", 80)
    missing = d.chance("no phone", 150).tolist()
    kinds = np.where((b.home == "CN") & d.chance("landline", 25), "landline", b.home).tolist()
    return [
        "" if gone else _PHONES[kind](row)
        for kind, row, gone in zip(kinds, owner.tolist(), missing, strict=True)
    ]


_AREA_CODES: Final = {
    "US": ("212", "310", "312", "415", "617", "702", "206", "305"),
    "CA": ("416", "604", "514", "403"),
}


def _north_american(home: str, row: int) -> str:
    codes = _AREA_CODES[home]
    return f"+1{codes[row % len(codes)]}55501{row // len(codes) % 100:02d}"


_PHONES: Final[dict[str, Any]] = {
    "CN": lambda row: f"1349{row * 7_368_787 % 10_000_000:07d}",
    "HK": lambda row: f"+8524600{row * 7_369 % 10_000:04d}",
    "US": lambda row: _north_american("US", row),
    "CA": lambda row: _north_american("CA", row),
    "GB": lambda row: f"+447700900{row % 1_000:03d}",
    "landline": lambda row: f"021-0000{row % 10_000:04d}",
}


def emails(b: Block) -> list[str]:
    d = b.draws
    first = d.pick("syllable", _objects(words.SYLLABLES)).tolist()
    second = d.pick("syllable2", _objects(words.SYLLABLES)).tolist()
    domain = d.pick("domain", _table("domain")).tolist()
    missing = (d.chance("no e-mail", 2200) & (b.home == "CN")).tolist()
    sign = np.where(d.chance("no sign", 20), ".", "@").tolist()
    parts = zip(missing, first, second, d.rows.tolist(), sign, domain, strict=True)
    return ["" if gone else f"{a}{z}{row}{at}{host}" for gone, a, z, row, at, host in parts]


def zones(b: Block) -> list[str]:
    zone: Texts = b.draws.pick("zone CN", _table("CN")).copy()
    for home in ("HK", "US", "CA", "GB"):
        here = b.home == home
        zone[here] = b.draws.pick("zone " + home, _table(home))[here]
    return list(zone.tolist())


def languages(b: Block) -> list[str]:
    d = b.draws
    abroad = (b.home != "CN") & (b.home != "HK")
    english = (abroad & d.chance("english", 8500)) | ((b.home == "HK") & d.chance("en", 3500))
    return list(np.where(english, "en", "zh").tolist())


def weights(b: Block, name: str) -> list[str]:
    """A column drawn from a weighted table and independent of the others."""
    return list(b.draws.pick(name, _table(name)).tolist())


def advisers(b: Block) -> list[str]:
    drawn = b.draws.pick("adviser", _objects(words.ADVISERS))
    return list(np.where(b.draws.chance("no adviser", 1200), "", drawn).tolist())


def grades(b: Block) -> list[str]:
    """Ordinary or professional: institutions' products always, the wealthy often."""
    drawn = b.draws.pick("grade", _table("grade"))
    wealthy = (b.fen >= 500_000_000) & b.draws.chance("professional", 4000)
    drawn = np.where(wealthy, "专业C", drawn)
    return list(np.where(b.kind == "产品", "专业A", drawn).tolist())


def assessments(b: Block) -> dict[str, list[str]]:
    """Risk level, lowest class, and the assessment that is good for two years."""
    d = b.draws
    risk = d.pick("risk", _table("risk"))
    age = np.where(d.chance("stale", 1400), 731 + d.below("old", 1100), d.below("fresh", 730))
    assessed = np.maximum(_AS_OF_DAY - age, b.opened)
    none = risk == ""
    return {
        "风险等级": list(risk.tolist()),
        "最低类别": list(np.where((risk == "C1") & d.chance("lowest", 600), "是", "否").tolist()),
        "测评日期": _written(assessed, DASHED, none),
        "测评到期日": _written(assessed + 730, SLASHED, none),
    }


def money(b: Block) -> dict[str, list[str]]:
    """Assets: total and cash with thousands separators, the daily average in units of 10,000."""
    d = b.draws
    share = np.where(d.chance("all cash", 1000), 0, 2500 + d.below("share", 7500))
    held = np.where(b.status == "休眠", 0, (b.fen // 100_000) * share * 10)
    average = b.fen // 1000 * (850 + d.below("average", 300))
    average = np.where(b.status == "销户", 0, average)
    return {
        "总资产(元)": [f'"{v // 100:,}.{v % 100:02d}"' for v in b.fen.tolist()],
        "日均资产(万元)": [f"{v // 1_000_000}.{v // 100 % 10_000:04d}" for v in average.tolist()],
        "资金余额(元)": [f"{v // 100}.{v % 100:02d}" for v in (b.fen - held).tolist()],
        "持仓市值(元)": [f"{v // 100}.{v % 100:02d}" for v in held.tolist()],
    }


def dates(b: Block) -> dict[str, list[str]]:
    """Opening, reactivation, document expiry and last trade, each in its column's own form."""
    d = b.draws
    idle = d.pick("idle", _idle())
    dormant = b.status == "休眠"
    idle = np.where(dormant, 1100 + d.below("asleep", 2500), idle)
    traded = _working_days()[np.maximum(_AS_OF_DAY - idle, 0)]
    never = (traded < b.opened) | d.chance("never traded", 400)
    woken = (b.status == "正常") & (_AS_OF_DAY - b.opened > 1500) & d.chance("woken", 80)
    expiry = np.where(
        b.status == "不合格",
        _AS_OF_DAY - 30 - d.below("expired", 900),
        _AS_OF_DAY + d.below("valid", 3650),
    )
    return {
        "开户日期": _written(b.opened, COMPACT),
        "激活日期": _written(_AS_OF_DAY - d.below("woke", 400), "serial", ~woken),
        "证件有效期": _written(
            expiry, CHINESE, d.chance("long-term", 2500) & (b.status != "不合格"), "长期"
        ),
        "最近交易日期": _written(traded, DASHED, never),
    }


def _written(
    days: Numbers, form: str, none: NDArray[np.bool_] | None = None, word: str = ""
) -> list[str]:
    """Days in one form; where `none` is true, the word instead."""
    texts = _dates(form)[days]
    return list((texts if none is None else np.where(none, word, texts)).tolist())


def yes_no(b: Block, name: str, per_10000: int) -> list[str]:
    return list(np.where(b.draws.chance(name, per_10000), "是", "否").tolist())
