"""The mail of the Python peers: the same sentences as `benchmarks.project`, with five values."""

FIRM, RISK = "示例证券", "市场有风险，投资需谨慎。"
SUBJECT = f"{FIRM} 2026年9月28日"


def _lines(n: int) -> list[str]:
    one = (
        f"您在上海世纪大道营业部的账户（尾号{n % 10000:04}）开立于2015年6月{n % 28 + 1}日。"
        "请留意市场波动，理性投资。"
    )
    end = [f"{FIRM} 95000", RISK, f"https://www.example.com/unsubscribe/{n}"]
    return [f"尊敬的客户{n}：", "", one, one, one, "", *end]


def text(n: int) -> str:
    return "\n".join(_lines(n)) + "\n"


def html(n: int) -> str:
    paragraphs = "".join(f"<p>{line}</p>\n" for line in _lines(n) if line)
    head = '<!doctype html>\n<html lang="zh-CN"><head><title>x</title></head><body>\n'
    return f"{head}{paragraphs}\n</body></html>\n"


def headers(n: int) -> dict[str, str]:
    return {
        "List-Unsubscribe": f"<https://www.example.com/unsubscribe/{n}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
