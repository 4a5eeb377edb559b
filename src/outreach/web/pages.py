"""The few pages clients see: plain HTML without script, in the reader's language."""

from base64 import b64encode
from collections.abc import Mapping
from functools import partial
from hashlib import sha256
from importlib.resources import files
from typing import Any, Final, NamedTuple

from jinja2 import BaseLoader, Environment, StrictUndefined, TemplateNotFound

from outreach.project.config import Firm
from outreach.web.wire import Headers
from outreach.web.words import SENTENCES

LANGUAGES: Final = ("zh", "en")
_PACKAGE: Final = "outreach.data"


class Page(NamedTuple):
    """A page that is ready to be sent."""

    status: int
    body: bytes


class _Shipped(BaseLoader):
    def get_source(self, environment: Environment, template: str) -> tuple[str, None, Any]:
        try:
            source = files(_PACKAGE).joinpath("web", template).read_text(encoding="utf-8")
        except OSError as error:
            raise TemplateNotFound(template) from error
        return source, None, lambda: True


class Pages:
    """Renders the pages of one firm."""

    def __init__(self, firm: Firm) -> None:
        self._firm = firm
        self._templates = Environment(
            loader=_Shipped(), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
            lstrip_blocks=True,
        )  # fmt: skip
        style = files(_PACKAGE).joinpath("web", "style.css").read_text(encoding="utf-8")
        self._style = style
        digest = b64encode(sha256(style.encode()).digest()).decode()
        policy = (
            f"default-src 'none'; style-src 'sha256-{digest}'; form-action 'self';"
            " base-uri 'none'; frame-ancestors 'none'"
        )
        self.headers: Headers = (
            (b"content-type", b"text/html; charset=utf-8"),
            (b"content-security-policy", policy.encode()),
            (b"x-frame-options", b"DENY"),
            (b"x-robots-tag", b"noindex, nofollow"),
            (b"vary", b"accept-language"),
        )

    def page(self, name: str, language: str, status: int = 200, **values: Any) -> Page:
        """A page by its name. `language` is zh or en."""
        said = {key: sentence.in_(language) for key, sentence in SENTENCES.items()}
        facts = {**self._facts(language), **values}
        html = self._templates.get_template(f"{name}.html.j2").render(
            lang="zh-CN" if language == "zh" else "en",
            other="en" if language == "zh" else "zh",
            style=self._style,
            say=partial(_filled, said, facts),
            **facts,
        )
        return Page(status, html.encode())

    def note(self, name: str, language: str, status: int) -> Page:
        """A page that says one thing: `unknown`, `later`."""
        return self.page("note", language, status, title=f"{name}_title", text=name)

    def _facts(self, language: str) -> dict[str, str]:
        firm = self._firm
        return {
            "firm": firm.name.in_(language),
            "hotline": firm.hotline,
            "hours": firm.hotline_hours.in_(language),
        }


def _filled(said: Mapping[str, str], facts: Mapping[str, Any], key: str, **more: Any) -> str:
    return said[key].format(**{**facts, **more})
