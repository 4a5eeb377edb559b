"""What is wrong in surveys, and in the topics segments ask for: references and codes that clash."""

from collections.abc import Iterator

from outreach.core.campaign import Campaign
from outreach.core.problem import Problem
from outreach.core.segment import Question
from outreach.core.segment.condition import leaves
from outreach.core.survey_rules import tests_of
from outreach.core.words import Channel, Purpose
from outreach.project.load import Project
from outreach.project.shape import nearest
from outreach.project.toml_file import TomlFile


def check_survey(
    project: Project, name: str, campaign: Campaign, file: TomlFile
) -> Iterator[Problem]:
    """Every fault of a campaign's [survey] table."""
    survey = campaign.survey
    if survey is None:
        return
    if campaign.purpose is not Purpose.SURVEY:
        wrong = "is not that of a survey, whose rules and answers go by it"
        yield file.problem(("purpose",), wrong, 'write purpose = "survey"')
    if Channel.EMAIL in campaign.channels and not project.config.firm.survey_url:
        wrong = "asks by e-mail, and no address is known that takes the answers"
        write = f"write survey_url under [firm] of {project.config_file.name}"
        yield file.problem(("survey",), wrong, write)
    others = [
        other
        for other, its in project.campaigns.items()
        if other < name and its.survey and its.survey.code == survey.code
    ]
    if others:
        wrong = f'the code "{survey.code}" is also that of {others[0]}'
        yield file.problem(("survey", "code"), wrong, "write another letter")
    yield from _forwarding(project, campaign, file)


def _forwarding(project: Project, campaign: Campaign, file: TomlFile) -> Iterator[Problem]:
    survey = campaign.survey
    if survey is None:
        return
    known = project.config.departments
    for index, rule in enumerate(survey.forward):
        if rule.to not in known:
            near = nearest(rule.to, known)
            make = f"add [departments.{rule.to}] to {project.config_file.name}"
            wrong = f'there is no department "{rule.to}"'
            yield file.problem(
                ("survey", "forward", index, "to"), wrong, f"write {near}" if near else make
            )
        for test in tests_of(rule.when):
            scale = survey.scale
            if test.kind == "score" and not scale.lowest <= test.bound <= scale.highest:
                wrong = f"{test.bound} is not on the scale"
                write = f"write a number from {scale.lowest} to {scale.highest}"
                yield file.problem(("survey", "forward", index, "when"), wrong, write)


def check_topics(project: Project) -> Iterator[Problem]:
    """Topics that segments ask for and the firm does not know; any will do without a list."""
    known = [topic.zh for topic in project.config.topics]
    toml = project.segments.toml
    if not known or toml is None:
        return
    for name, segment in project.segments.models.items():
        for leaf in leaves(segment.condition):
            if not (isinstance(leaf, Question) and leaf.field == "topics"):
                continue
            if leaf.operator == "contains" and leaf.value not in known:
                near = nearest(str(leaf.value), known)
                listed = f"write one of {', '.join(known)}"
                wrong = f'"{leaf.value}" is no topic of [[topics]] in {project.config_file.name}'
                yield toml.problem((name, "where"), wrong, f"write {near}" if near else listed)
