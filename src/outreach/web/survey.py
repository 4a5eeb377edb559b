"""Answers by link: GET shows the questions, POST records what was chosen."""

import asyncio
from typing import Final, NamedTuple
from urllib.parse import parse_qsl

from outreach import survey
from outreach.core.formats import format_date
from outreach.core.survey_form import Survey
from outreach.store.database import DatabaseProblem
from outreach.web.pages import Page
from outreach.web.site import Site
from outreach.web.unsubscribe import asked_for
from outreach.web.wire import Receive, Scope, Send, read_body

_BODY: Final = 32_768  # bytes: a comment of 1,000 characters is 9,000 as a form


class Surveys:
    """Page and answers of one link."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def ask(self, scope: Scope, receive: Receive, send: Send) -> None:
        """GET: the questions. Changes nothing."""
        if not self._site.allows(scope):
            await self._site.too_many(send)
            return
        await self._site.show(send, await asyncio.to_thread(self._guarded, scope, None))

    async def act(self, scope: Scope, receive: Receive, send: Send) -> None:
        """POST: records an answer, and shows what became of it."""
        body = await read_body(scope, receive, _BODY)
        if not self._site.allows(scope):
            await self._site.too_many(send)
            return
        await self._site.show(send, await asyncio.to_thread(self._guarded, scope, body))

    def _guarded(self, scope: Scope, body: bytes | None) -> Page:
        try:
            return self._page(scope, body)
        except DatabaseProblem:
            self._site.tally.add("not_stored")
            return self._site.pages.note("later", asked_for(scope) or "zh", 503)

    def _page(self, scope: Scope, body: bytes | None) -> Page:
        site, token = self._site, scope["path_params"]["token"]
        now = site.clock()
        asked = survey.question(site.database, site.key, token, now, site.zone)
        if asked is None:
            site.tally.add("unknown_link")
            return site.pages.note("unknown", asked_for(scope) or "zh", 404)
        language = asked_for(scope) or ("zh" if asked.locale.startswith("zh") else "en")
        if body is None:
            return self._form(asked, language)
        given = _given(body, asked.survey)
        if given is None:
            return self._form(asked, language, 400)
        done = survey.answer(
            site.database, site.key, token, given.score, given.text, now=now, zone=site.zone
        )
        if isinstance(done, survey.Refused):
            return self._form(asked, language, 422, done.why.in_(language), given)
        site.tally.add("answered")
        until = self._until(asked, language)
        late = done.kind == survey.Kind.LATE
        return site.pages.page("answered", language, late=late, until=until)

    def _form(
        self,
        asked: survey.Question,
        language: str,
        status: int = 200,
        wrong: str = "",
        given: "Given | None" = None,
    ) -> Page:
        form, scale = asked.survey, asked.survey.scale
        words = [one.in_(language) for one in scale.said]
        numbers = range(scale.lowest, scale.highest + 1)
        scores = [(n, words[n - scale.lowest] if words else "") for n in reversed(numbers)]
        return self._site.pages.page(
            "survey", language, status, wrong=wrong, given=given or Given(None, (), ""),
            questions=[one.in_(language) for one in form.questions], scores=scores,
            low=scale.lowest, high=scale.highest, until=self._until(asked, language),
        )  # fmt: skip

    def _until(self, asked: survey.Question, language: str) -> str:
        year = self._site.clock().astimezone(self._site.zone).year
        return format_date(asked.until_on, language, year)


class Given(NamedTuple):
    """What a form was filled in with."""

    score: int | None
    answers: tuple[str, ...]  # to the second question and those after it
    comment: str

    @property
    def text(self) -> str:
        """As it is kept: each answer with its question's number, then the comment."""
        lines = [f"{n}) {answer}" for n, answer in enumerate(self.answers, start=2) if answer]
        return "\n".join([*lines, self.comment] if self.comment else lines)


def _given(body: bytes, form: Survey) -> Given | None:
    """A form that was sent; None for a body that is none."""
    try:
        fields = dict(parse_qsl(body.decode("ascii"), errors="strict", max_num_fields=50))
    except ValueError:
        return None
    written = fields.get("score", "").strip()
    score = int(written) if written.isascii() and written.isdecimal() and len(written) < 4 else None
    if written and score is None:
        return None
    answers = (fields.get(f"answer{n}", "").strip() for n in range(1, len(form.questions)))
    return Given(score, tuple(answers), fields.get("comment", "").strip())
