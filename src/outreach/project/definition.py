"""The definition of a run: campaign, segment, template and policy, frozen with their digests.

A run is always worked from its frozen definition, so editing a file never changes a run, and years
later the same decision and the same bytes can be made again from the database alone.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property, lru_cache
from types import MappingProxyType
from typing import Any, Final
from zoneinfo import ZoneInfo

import orjson

from outreach.core.campaign import Campaign, OnHalt
from outreach.core.market_values import EMAIL_ONLY, MARGIN_PER_CLIENT
from outreach.core.model import (
    POLICY_VERSION,
    CampaignFacts,
    Candidate,
    ContactHours,
    FrequencyCap,
    Frozen,
    Route,
)
from outreach.core.occurrence import Occurrence
from outreach.core.page_plan import Sheet
from outreach.core.page_rows import PAGE_COLUMNS, PREFERENCES
from outreach.core.policy import concerned, gates_for
from outreach.core.render import TemplateSet, compile_template, content_digest, thaw
from outreach.core.run_values import RunValues
from outreach.core.segment import Segment
from outreach.core.sms_frame import sms_frame
from outreach.core.survey_link import SurveyLink, mark_of
from outreach.core.survey_values import survey_values
from outreach.core.unsubscribe import Unsubscribe
from outreach.core.values import (
    CLIENT_VALUES,
    campaign_values,
    client_row,
    closure_values,
    firm_values,
)
from outreach.core.words import Channel, Purpose
from outreach.project.config import Config
from outreach.project.load import Project
from outreach.project.rate_config import NO_POLICY, PACE

RUN_COLUMNS: Final = (
    "securities", "securities_count", "unsubscribe_url", "survey_url", "because",
    *MARGIN_PER_CLIENT,
)  # fmt: skip
_SORTED: Final = orjson.OPT_SORT_KEYS
_CANDIDATE: Final = tuple(name for name in Candidate._fields if name not in PREFERENCES)


@dataclass(frozen=True)
class Definition:
    """Everything a run is made from, read from files or thawed from the database."""

    campaign_id: str
    campaign: Campaign
    segment: Segment
    template: TemplateSet
    config: Config
    lists: Mapping[str, frozenset[str]]  # client numbers of the segment's list files
    parts: Mapping[str, Frozen] = field(repr=False)

    @property
    def approval_digest(self) -> str:
        """What an approval is bound to: what the campaign's file says, its segment and template.

        Keys left to their defaults are left out, so that a new kind of key voids no approval.
        """
        said = self.campaign.model_dump(mode="json", exclude_defaults=True)
        bound = [self.parts[kind].digest for kind in ("segment", "template")]
        written = orjson.dumps(said, option=_SORTED).decode()
        return hashlib.sha256("\n".join([written, *bound]).encode()).hexdigest()

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.config.firm.zone)

    @property
    def value_columns(self) -> tuple[str, ...]:
        """The client fields a page is read with beyond those of every page: preferences that the
        run needs, then what the texts print."""
        names = {
            name
            for channel in self.campaign.channels
            for locale in self.template.locales
            if self.template.has(channel, locale)
            for name in self.template.names(channel, locale)
        }
        fields = {CLIENT_VALUES[name].field for name in names if name in CLIENT_VALUES}
        others = sorted(fields - {*PAGE_COLUMNS, *self.preferences})
        return (*self.preferences, *others)

    @cached_property
    def preferences(self) -> tuple[str, ...]:
        """What clients asked of us, as far as the run needs it: read out of its policy, so that a
        run on record goes on with the facts it began with."""
        names: list[str] = orjson.loads(self.parts["policy"].content)["candidate"]
        return tuple(name for name in PREFERENCES if name in names)

    @property
    def cap(self) -> FrequencyCap | None:
        cap = self.config.limits.frequency.get(self.campaign.purpose)
        return FrequencyCap(cap.messages, cap.days) if cap else None

    def routes(self) -> dict[Channel, tuple[tuple[str, str, str], ...]]:
        """By channel, in order: (phone prefix, sender, its kind)."""
        senders = self.config.senders
        return {
            channel: tuple(
                (rule.prefix, rule.sender, senders[rule.sender].kind)
                for rule in self.config.routes
                if rule.channel == channel
            )
            for channel in self.campaign.channels
        }

    def facts(self, values: RunValues) -> CampaignFacts:
        """What the rules see of the campaign, the same for every candidate of a run."""
        campaign, limits = self.campaign, self.config.limits
        hours = None if campaign.urgent else limits.contact_hours.get(campaign.purpose)
        relies = campaign.occurrence if isinstance(campaign.occurrence, OnHalt) else None
        return CampaignFacts(
            purpose=campaign.purpose,
            risk_level=int(campaign.product_risk[1]) if campaign.product_risk else None,
            securities_content=self.template.template.securities_content,
            approved=values.approved,
            contact_hours=ContactHours(hours.opens, hours.closes) if hours else None,
            cap=self.cap,
            expires_at=values.expires_at,
            halts_as_of=values.halts_as_of if relies else None,
            halts_max_age_hours=relies.max_age_hours if relies else None,
            halt_markets=values.markets if relies else (),
            candidate_zones=limits.unknown_zones,
            zone=self.config.firm.zone,
        )

    def constants(
        self,
        occurrence: Occurrence,
        today: date,
        texts: Mapping[str, Mapping[str, object]] = MappingProxyType({}),
    ) -> dict[str, dict[str, object]]:
        """The values every text of a run may use, formatted, by locale. `texts` are those that an
        event gives to it."""
        return {
            locale: self._constants(occurrence, today, locale, texts.get(locale, {}))
            for locale in self.template.locales
        }

    def _constants(
        self, occurrence: Occurrence, today: date, locale: str, texts: Mapping[str, object]
    ) -> dict[str, object]:
        firm = self.config.firm
        values = firm_values(firm, locale, today)
        values |= {**occurrence_values(occurrence, locale, today), **texts}
        if (survey := self.campaign.survey) is not None:
            last = today + timedelta(days=survey.answer_until_days)
            values |= survey_values(survey, locale, last, today.year)
        values |= campaign_values(self.campaign.values, locale, today.year)
        signature, opt_out = firm.signature.in_(locale), firm.sms_opt_out.in_(locale)
        frame = sms_frame(signature, opt_out, self.campaign.purpose, locale)
        values["sms_prefix"], values["sms_suffix"] = frame
        return values

    def sheet(
        self,
        facts: CampaignFacts,
        constants: Mapping[str, Mapping[str, object]],
        year: int,
    ) -> Sheet:
        """What a page is planned with."""
        columns = (*PAGE_COLUMNS, *self.value_columns, *RUN_COLUMNS)
        readers = {
            (channel, locale): client_row(
                self.template.names(channel, locale),
                _readable(columns, channel),
                locale,
                year,
                self.config.topics,
            )
            for channel in self.campaign.channels
            for locale in self.template.locales
            if self.template.has(channel, locale)
        }
        return Sheet(
            campaign=facts,
            gates=concerned(gates_for(self.campaign.purpose), facts),
            channels=self.campaign.channels,
            each=self.campaign.deliver == "each",
            routes=self.routes(),
            template=self.template.folded(constants),
            constants=constants,
            readers=readers,
            max_sms_parts=self.template.template.max_sms_parts,
            digest_of=content_digest,
            preferences=self.preferences,
            because=columns.index("because") if self.segment.asks_for_halts else None,
            by_preference=self.campaign.channels_by_preference,
        )

    def unsubscribe(self, key: bytes) -> Unsubscribe | None:
        """The maker of unsubscribe links; regulatory notices have none."""
        if self.campaign.purpose is Purpose.REGULATORY:
            return None
        return Unsubscribe(self.config.firm.unsubscribe_url, key, self.campaign.purpose)

    def survey_link(self, key: bytes, occurrence: str) -> SurveyLink | None:
        """The maker of links to the survey of an occurrence; None where there is nothing to ask, or
        no door."""
        if self.campaign.survey is None or not self.config.firm.survey_url:
            return None
        mark = mark_of(self.campaign_id, occurrence)
        return SurveyLink(self.config.firm.survey_url, key, mark)


def _readable(columns: Sequence[str], channel: Channel) -> tuple[str, ...]:
    """The columns a text of a channel can print: in an SMS nothing that is for e-mail only, not
    even where nobody ran `check`."""
    if channel is Channel.EMAIL:
        return tuple(columns)
    return tuple("" if name in EMAIL_ONLY else name for name in columns)


def occurrence_values(occurrence: Occurrence, locale: str, today: date) -> dict[str, object]:
    """What an occurrence gives to the texts: the dates of a closure; nothing otherwise.

    A make-up working day that is over by `today` is no longer worth a word.
    """
    values: Mapping[str, Any] = occurrence.values
    if "close_from" not in values:
        return {}
    return closure_values(
        holiday=values["holiday"],
        market=values["market_name"],
        first=values["close_from"],
        last=values["close_to"],
        last_session=values["last_session"],
        reopen=values["reopen"],
        weekend_closed=[day for day in values["weekend_closed"] if day >= today],
        correction=bool(values.get("correction")),
        locale=locale,
        year=today.year,
    )


# --- from files, and from the database -------------------------------------------------------


def define(project: Project, campaign_id: str) -> Definition:
    """The definition of a campaign as the files stood when the project was read, made once. Raises
    KeyError for an unknown one."""
    known: Definition | None = project.defined.get(campaign_id)
    if known is None:
        known = project.defined[campaign_id] = _defined(project, campaign_id)
    return known


def _defined(project: Project, campaign_id: str) -> Definition:
    campaign = project.campaigns[campaign_id]
    template = _compiled(tuple(sorted(project.templates[campaign.template].files.items())))
    segment = Segment.model_validate(project.segments.tables[campaign.segment])
    lists = {file: project.client_numbers(file) for file in segment.list_files}
    asked = {
        "segment": project.segments.tables[campaign.segment],
        "lists": {file: sorted(numbers) for file, numbers in lists.items()},
    }
    parts = (
        _part("campaign", campaign_id, campaign.model_dump(mode="json")),
        _part("segment", campaign.segment, asked),
        _frozen("template", campaign.template, template.frozen()),
        _part("policy", POLICY_VERSION, _policy(project.config, campaign)),
    )
    kept = {part.kind: part for part in parts}
    return Definition(campaign_id, campaign, segment, template, project.config, lists, kept)


@lru_cache(maxsize=32)
def _compiled(files: tuple[tuple[str, str], ...]) -> TemplateSet:
    """Once a version: a scheduler asks for the same few again and again."""
    return compile_template(dict(files))


@lru_cache(maxsize=32)
def _thawed(frozen: bytes) -> TemplateSet:
    """Once a version here too: a run is opened again by each plan, send and second look."""
    return thaw(frozen)


def redefine(parts: Mapping[str, Frozen]) -> Definition:
    """The definition a run was made from, out of its frozen parts.

    A key that files may no longer hold is left out: what was right then is not refused now. So a
    new key of campaign, segment, template or config needs a default that means what was before.
    """
    segment = orjson.loads(parts["segment"].content)
    policy = orjson.loads(parts["policy"].content)
    return Definition(
        parts["campaign"].name,
        Campaign.model_validate_json(parts["campaign"].content, extra="ignore"),
        Segment.model_validate(segment["segment"]),
        _thawed(parts["template"].content),
        Config.model_validate(policy["config"], extra="ignore"),
        {file: frozenset(numbers) for file, numbers in segment["lists"].items()},
        dict(parts),
    )


# What decides about nobody. (Which country has a limit cuts the batches, so it is kept.)
_NO_POLICY: Final[Any] = dict.fromkeys(NO_POLICY, True) | {"senders": {"__all__": PACE}}


def _policy(config: Config, campaign: Campaign) -> dict[str, Any]:
    """The policy a run was decided by: version, gates in order, limits, routes, and the names of
    the stored facts."""
    return {
        "version": POLICY_VERSION,
        "gates": [gate.name for gate in gates_for(campaign.purpose)],
        "candidate": [*_CANDIDATE, *_asked(config, campaign)],
        "route": Route._fields,
        "config": config.model_dump(mode="json", exclude=_NO_POLICY),
    }


def _asked(config: Config, campaign: Campaign) -> Iterator[str]:
    """The preferences of clients that decide something in this campaign, in order."""
    if campaign.product_risk is not None:
        yield "wanted_risk"
    hours = config.limits.contact_hours.get(campaign.purpose)
    if config.limits.own_hours and hours and not campaign.urgent:
        yield "own_hours"
    if campaign.channels_by_preference:
        yield "preferred_channel"


def _part(kind: str, name: str, content: Mapping[str, Any]) -> Frozen:
    return _frozen(kind, name, orjson.dumps(content, option=_SORTED))


def _frozen(kind: str, name: str, content: bytes) -> Frozen:
    return Frozen(kind, name, hashlib.sha256(content).hexdigest(), content)
