"""A client and a firm that are made up, for previews and the lint."""

from datetime import date
from typing import Final

SAMPLE_CLIENT: Final[dict[str, tuple[object, object]]] = {
    "name": ("张晓明", "Alexandra Whitfield"),
    "account_no": ("800012345678", "800012345678"),
    "opened_on": (date(2026, 9, 14), date(2026, 9, 14)),
    "last_trade_on": (date(2023, 3, 15), date(2023, 3, 15)),
    "assessment_expires_on": (date(2027, 9, 13), date(2027, 9, 13)),
    "document_expires_on": (date(2026, 12, 31), date(2026, 12, 31)),
    "risk_level": (3, 3),
    "branch": ("北京建国路证券营业部", "Beijing Jianguo Road Branch"),
    "adviser": ("李静", "Li Jing"),
    "salutation": ("张女士", "Ms Whitfield"),
    "topics": (",新能源,医药,", ",New energy,Health care,"),
}


def sample_firm(zh: bool) -> dict[str, object]:
    """The constants of a firm that is made up."""
    words = {
        "firm_name": ("示例证券", "Example Securities"),
        "firm_legal_name": ("示例证券股份有限公司", "Example Securities Co., Ltd."),
        "hotline": ("95000", "95000"),
        "hotline_hours": ("交易日8:30-17:00", "08:30-17:00 on trading days"),
        "website": ("www.example.com", "www.example.com"),
        "firm_address": (
            "北京市朝阳区示例大街1号示例大厦",
            "1 Shili Avenue, Chaoyang District, Beijing",
        ),
        "risk_line": (
            "市场有风险，投资需谨慎。",
            "Markets carry risk; please invest with caution.",
        ),
        "sms_prefix": ("【示例证券】", "[Example Securities] "),
        "sms_suffix": ("", ""),
    }
    return {name: pair[0 if zh else 1] for name, pair in words.items()}
