"""Secrets: from the environment or a file it names, never from a file of the project."""

import os
import re
from pathlib import Path

_LOOKS_SECRET = re.compile(
    r"(?:^|_)pass(?:wd)?$|password|passphrase|secret|token|api_?key|private_?key|credential|auth_?key",
    re.IGNORECASE,
)


class SecretProblem(Exception):
    """A secret is said to be in a file, and the file cannot be read."""


def secret(name: str) -> str | None:
    """The secret of a sender: OUTREACH_SECRET_<NAME>, or the content of the file that
    OUTREACH_SECRET_<NAME>_FILE names, without its last line end. None where neither is set.

    Raises SecretProblem where the named file cannot be read or is empty.
    """
    variable = variable_of(name)
    if value := os.environ.get(variable):
        return value
    if path := os.environ.get(f"{variable}_FILE"):
        try:
            found = Path(path).read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            raise SecretProblem(
                f"{variable}_FILE names {path}, which cannot be read as UTF-8 text;"
                " correct the path or its access rights"
            ) from error
        if not found:  # going on without it would sign links with another key, or log in as nobody
            raise SecretProblem(f"{variable}_FILE names {path}, which is empty; put the secret in")
        return found
    return None


def variable_of(name: str) -> str:
    """The environment variable of a sender's secret: `sms-hk` is OUTREACH_SECRET_SMS_HK."""
    return "OUTREACH_SECRET_" + name.upper().replace("-", "_")


def looks_secret(key: str) -> bool:
    """Whether a key of a file is named like something that must not stand in it."""
    return bool(_LOOKS_SECRET.search(key))
