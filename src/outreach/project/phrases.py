"""The phrase list that ships with the program, as groups the lint can search with."""

import tomllib
from functools import cache
from importlib.resources import files

from pydantic import TypeAdapter

from outreach.core.lint import Lint, PhraseGroup


@cache
def shipped_lint() -> Lint:
    """The reviewed list `data/phrases.toml`. Raises where the list itself is malformed."""
    source = (files("outreach.data") / "phrases.toml").read_text(encoding="utf-8")
    groups = [
        {key: value for key, value in group.items() if key != "source"}
        for group in tomllib.loads(source)["group"]
    ]
    return Lint(TypeAdapter(tuple[PhraseGroup, ...]).validate_python(groups))
