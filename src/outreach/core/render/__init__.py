"""Texts from templates: compiled once, rendered a batch at a time, bounded, and digested."""

from outreach.core.render.layout import compose, inline_styles
from outreach.core.render.part import (
    CompiledPart,
    Source,
    TemplateError,
    compile_part,
    undeclared,
)
from outreach.core.render.rows import RenderError, Row
from outreach.core.render.template_set import (
    CompiledTemplate,
    Parts,
    TemplateSet,
    compile_template,
    content_digest,
    layout_file,
    part_file,
    thaw,
)

__all__ = [
    "CompiledPart",
    "CompiledTemplate",
    "Parts",
    "RenderError",
    "Row",
    "Source",
    "TemplateError",
    "TemplateSet",
    "compile_part",
    "compile_template",
    "compose",
    "content_digest",
    "inline_styles",
    "layout_file",
    "part_file",
    "thaw",
    "undeclared",
]
