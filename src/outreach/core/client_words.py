"""The words client files use for kinds, states, risk levels, investor classes and places."""

import re
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from outreach.core.cell_text import half_width
from outreach.core.cells import Bad, flag, one_of


def _spelled(table: dict[str, str]) -> dict[str, str]:
    return {
        spelling: value
        for value, spellings in table.items()
        for spelling in (value.casefold(), *spellings.casefold().split())
    }


KIND: Final = one_of(
    _spelled(
        {
            "person": "个人 自然人 个人客户 个人投资者 individual natural 0",
            "institution": "机构 法人 机构客户 企业 公司 机构投资者 organisation organization"
            " corporate company 1",
            "product": "产品 产品户 基金 资管产品 fund 2",
        }
    ),
    "write 个人, 机构 or 产品",
)

STATUS: Final = one_of(
    _spelled(
        {
            "normal": "正常 有效 活动 active open ok",
            "dormant": "休眠 休眠账户 休眠户 sleeping",
            "defective": "不合格 不合格账户 不规范 unqualified",
            "frozen": "冻结 司法冻结 suspended blocked",
            "closed": "销户 已销户 注销 已注销 cancelled canceled",
            "deceased": "身故 已故 死亡 去世 dead",
        }
    ),
    "write 正常, 休眠, 不合格, 冻结, 销户 or 身故",
)

LOCALE: Final = one_of(
    _spelled(
        {
            "zh-CN": "zh zh_cn zh-hans 中文 汉语 简体 简体中文 中文简体 普通话 chinese",
            "zh-HK": "zh_hk zh-hant zh-tw 繁体 繁體 繁体中文 繁體中文 粤语",
            "en": "en-us en-gb en_us en_gb 英文 英语 english",
        }
    ),
    "write zh-CN or en",
)

COUNTRY_NAMES: Final = _spelled(
    {
        "CN": "中国 中国大陆 中国内地 大陆 内地 中华人民共和国 chn 156 china mainlandchina",
        "HK": "香港 中国香港 香港特别行政区 hkg 344 hongkong",
        "MO": "澳门 中国澳门 澳门特别行政区 mac 446 macau macao",
        "TW": "台湾 中国台湾 twn 158 taiwan",
        "US": "美国 usa 840 unitedstates america",
        "GB": "英国 gbr 826 uk unitedkingdom",
        "CA": "加拿大 can 124 canada",
        "AU": "澳大利亚 aus 036 australia",
        "NZ": "新西兰 nzl 554 newzealand",
        "SG": "新加坡 sgp 702 singapore",
        "MY": "马来西亚 mys 458 malaysia",
        "JP": "日本 jpn 392 japan",
        "KR": "韩国 kor 410 korea southkorea",
        "DE": "德国 deu 276 germany",
        "FR": "法国 fra 250 france",
        "CH": "瑞士 che 756 switzerland",
        "IT": "意大利 ita 380 italy",
        "ES": "西班牙 esp 724 spain",
        "NL": "荷兰 nld 528 netherlands",
        "TH": "泰国 tha 764 thailand",
        "VN": "越南 vnm 704 vietnam",
        "ID": "印度尼西亚 印尼 idn 360 indonesia",
        "PH": "菲律宾 phl 608 philippines",
        "IN": "印度 ind 356 india",
        "AE": "阿联酋 are 784 uae",
        "RU": "俄罗斯 rus 643 russia",
        "BR": "巴西 bra 076 brazil",
        "ZA": "南非 zaf 710 southafrica",
    }
)


def country(cell: str) -> str | Bad | None:
    """ISO 3166 code of a country given by code or by name."""
    word = half_width(cell).casefold().replace(" ", "")
    if not word:
        return None
    if found := COUNTRY_NAMES.get(word):
        return found
    if re.fullmatch("[a-z]{2}", word):
        return word.upper()
    return Bad("the country is not known", "write its two letters, such as CN or HK")


_ZONES: Final = {
    "北京时间": "Asia/Shanghai", "中国标准时间": "Asia/Shanghai", "东八区": "Asia/Shanghai",
    "上海": "Asia/Shanghai", "北京": "Asia/Shanghai", "香港": "Asia/Hong_Kong",
    "纽约": "America/New_York", "伦敦": "Europe/London", "东京": "Asia/Tokyo",
    "新加坡": "Asia/Singapore", "悉尼": "Australia/Sydney",
}  # fmt: skip


@lru_cache(maxsize=1024)
def zone(cell: str) -> str | Bad | None:
    """IANA time zone. An offset such as UTC+8 is refused: it does not know of summer time."""
    word = half_width(cell)
    if not word:
        return None
    word = _ZONES.get(word, word)
    try:
        ZoneInfo(word)
    except (ValueError, OSError, LookupError):
        return Bad("there is no such time zone", "write an IANA zone, such as Asia/Shanghai")
    return word if "/" in word else Bad("this is no place", "write a zone such as Asia/Shanghai")


_RISK_NAMES: Final = {"保守": 1, "谨慎": 2, "稳健": 3, "积极": 4, "激进": 5, "进取": 5}
_RISK: Final = re.compile(r"(?:c|r)?([1-5])(?:级|[-_:( ]|$)|([一二三四五])级")
LOWEST: Final = "最低"


def risk(cell: str) -> int | Bad | None:
    """Risk tolerance C1 to C5 as 1 to 5: by code, by number or by name (保守型 to 激进型)."""
    word = half_width(cell).casefold()
    if not word:
        return None
    if found := _RISK.match(word):
        return int(found[1]) if found[1] else "一二三四五".index(found[2]) + 1
    if word.startswith(LOWEST):
        return 1
    name = word.removesuffix("型")
    if name in _RISK_NAMES:
        return _RISK_NAMES[name]
    return Bad("the risk level is not known", "write C1 to C5, or 保守型 to 激进型")


_PROFESSIONAL: Final = re.compile(r"(?:[abc]类?)?专业(?:投资者)?[-_(]?(?:[abc123]类?)?\)?|[abc]类?")
_ORDINARY: Final = frozenset({"普通", "普通投资者", "retail", "ordinary"})


def professional(cell: str) -> bool | Bad | None:
    """Whether the investor class is professional: 普通, 专业A to 专业C, or yes and no."""
    word = half_width(cell).casefold().replace(" ", "")
    if word in _ORDINARY:
        return False
    if _PROFESSIONAL.fullmatch(word) or word == "professional":
        return True
    found = flag(cell)
    return Bad("the class is not known", "write 普通 or 专业") if isinstance(found, Bad) else found
