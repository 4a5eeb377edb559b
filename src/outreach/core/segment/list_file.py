"""List files: client numbers a clerk collected elsewhere, one a line."""

import re

from outreach.core.problem import Problem

_NUMBER = re.compile(r"[0-9A-Za-z][0-9A-Za-z_./-]{0,63}")


def client_numbers(file: str, text: str) -> tuple[frozenset[str], list[Problem]]:
    """The numbers of a list file, and every line that is none.

    Blank lines and what follows a `#` are left out; a number may stand more than once.
    """
    numbers: set[str] = set()
    problems: list[Problem] = []
    for line, written in enumerate(text.removeprefix("\ufeff").splitlines(), start=1):
        number = written.partition("#")[0].strip()
        if not number:
            continue
        if _NUMBER.fullmatch(number):
            numbers.add(number)
        else:
            wrong = "this line is not a client number"
            write = "write one client number a line, digits and letters only"
            problems.append(Problem(file, line, "", wrong, write))
    return frozenset(numbers), problems
