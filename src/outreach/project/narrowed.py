"""A run for a part of a campaign's segment: both must hold, so approval of the whole covers it."""

import hashlib
from dataclasses import replace

import orjson

from outreach.core.model import Frozen
from outreach.core.segment import Segment
from outreach.project.definition import Definition
from outreach.project.load import Project


def segment_as_it_stands(project: Project, name: str) -> bytes:
    """A segment with its client numbers, as canonical JSON. KeyError for an unknown one."""
    table = project.segments.tables[name]
    files = Segment.model_validate(table).list_files
    lists = {file: sorted(project.client_numbers(file)) for file in files}
    content = {"name": name, "segment": table, "lists": lists}
    return orjson.dumps(content, option=orjson.OPT_SORT_KEYS)


def narrowed(definition: Definition, segment: bytes) -> Definition:
    """The definition for those clients of its segment who belong to another one too, which is what
    `segment_as_it_stands` wrote. Its approval is still that of the wider definition."""
    own = orjson.loads(definition.parts["segment"].content)
    other = orjson.loads(segment)
    both = {
        "name": other["segment"]["name"],
        "where": {"all": [own["segment"]["where"], other["segment"]["where"]]},
    }
    lists = {**own["lists"], **other["lists"]}
    content = orjson.dumps({"segment": both, "lists": lists}, option=orjson.OPT_SORT_KEYS)
    digest = hashlib.sha256(content).hexdigest()
    frozen = Frozen("segment", other["name"], digest, content)
    return replace(
        definition,
        segment=Segment.model_validate(both),
        lists={file: frozenset(numbers) for file, numbers in lists.items()},
        parts={**definition.parts, "segment": frozen},
    )
