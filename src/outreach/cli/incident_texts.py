"""The texts of a step as they would go, on each channel and in each language."""

from typing import TYPE_CHECKING, Any

from outreach.cli.door import BAD_DATA, Failure

if TYPE_CHECKING:
    from outreach.plan import Due


def draft_texts(due: "Due") -> list[dict[str, Any]]:
    """Every text of a run that is not opened yet. Raises Failure(3) for one that does not render.

    The client is made up; whatever the texts print of the incident is as it will be.
    """
    from outreach.core.campaign import PARTS
    from outreach.core.render import RenderError
    from outreach.core.sms_text import measure
    from outreach.core.values import sample_values

    template, made = due.definition.template, []
    for channel in due.definition.campaign.channels:
        for locale in template.locales:
            if not template.has(channel, locale):
                continue
            constants = due.values.constants[locale]
            values = {**sample_values(locale), **constants}
            row = tuple(values[name] for name in template.names(channel, locale))
            (rendered,) = template.render(channel, locale, constants, [row])
            if isinstance(rendered, RenderError):
                raise Failure(BAD_DATA, f"{channel} {locale}: {rendered}; `outreach check`")
            sms = measure(rendered[0])._asdict() if channel == "sms" else None
            parts = dict(zip(PARTS[channel], rendered, strict=True))
            made.append({"channel": channel, "locale": locale, "parts": parts, "sms": sms})
    return made
