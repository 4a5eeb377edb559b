"""What a rendered message costs, in microseconds: batches of 1,000 rows of the shipped texts."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from time import perf_counter
from typing import Final

from outreach.core.render import TemplateSet, compile_part, compile_template
from outreach.core.values import CLIENT_VALUES, client_row, sample_values
from outreach.core.words import Channel

TEMPLATES: Final = Path(__file__).parents[1] / "templates"
ROWS: Final = 1_000
REPEATS: Final = 20


def shipped(name: str) -> TemplateSet:
    """A shipped template, compiled."""
    own = {path.name: path.read_text() for path in (TEMPLATES / name).iterdir()}
    shared = {
        f"_layout/{path.name}": path.read_text() for path in (TEMPLATES / "_layout").iterdir()
    }
    return compile_template(own | shared)


def best(work: Callable[[], object]) -> float:
    """Microseconds a row: the best of several runs, for other work on the machine only adds."""
    taken = []
    for _ in range(REPEATS):
        begun = perf_counter()
        work()
        taken.append(perf_counter() - begun)
    return min(taken) / ROWS * 1e6


def main() -> None:
    for label, work in _cases():
        print(f"{label:<58}{best(work):8.2f} us")


def _cases() -> list[tuple[str, Callable[[], object]]]:
    names = ("a", "b", "c", "d", "e")
    source = (
        "尊敬的{{ a }}：{{ b }}休市，{{ c }}恢复，{{ d }}"
        "{% if e %}，{{ e }}{% endif %}。详询{{ hotline }}"
    )
    sms = compile_part(source, names, html=False, limit=2_000)
    rows = [(f"张{i}", "10月1日", "10月8日", "沪深", str(i)) for i in range(ROWS)]
    constants: dict[str, object] = {"hotline": "95000"}
    fields = tuple(value.field for value in CLIENT_VALUES.values())
    read = client_row(tuple(CLIENT_VALUES), fields, "zh-CN", 2026)
    day = date(2026, 9, 14)
    client = ("张晓明", "800012345678", day, day, day, None, 3, "北京营业部", "李静")
    return [
        ("SMS, 5 values a client", lambda: sms.render_rows(constants, rows)),
        ("values of one client (9)", lambda: [read(client) for _ in range(ROWS)]),
        *[case for name in ("closure-notice", "suspension-alert") for case in _shipped(name)],
    ]


def _shipped(name: str) -> list[tuple[str, Callable[[], object]]]:
    template = shipped(name)
    cases: list[tuple[str, Callable[[], object]]] = []
    for channel in Channel:
        for locale in template.locales:
            values = sample_values(locale)
            names = template.names(channel, locale)
            rows = [
                tuple(f"{values[n]}{i}" if isinstance(values[n], str) else values[n] for n in names)
                for i in range(ROWS)
            ]

            def work(
                channel: Channel = channel,
                locale: str = locale,
                values: dict[str, object] = values,
                rows: list[tuple[object, ...]] = rows,
            ) -> object:
                return template.render(channel, locale, values, rows)

            size = sum(map(len, template.render(channel, locale, values, rows[:1])[0]))  # type: ignore[arg-type]
            cases.append((f"{name} {channel} {locale}, {size:,} characters", work))
    return cases


if __name__ == "__main__":
    main()
