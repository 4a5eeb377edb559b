"""Secrets come from the environment or a file it names, and never from a file of the project."""

from pathlib import Path

import pytest

from outreach.project.secrets import SecretProblem, looks_secret, secret


def test_a_secret_is_named_after_its_sender(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTREACH_SECRET_SMS_HK", "hunter2")

    assert secret("sms-hk") == "hunter2"
    assert secret("sms-us") is None


def test_a_secret_may_stand_in_a_file_of_its_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "token").write_text("s p a c e \n")
    monkeypatch.setenv("OUTREACH_SECRET_MAIL_FILE", str(tmp_path / "token"))

    assert secret("mail") == "s p a c e "


def test_the_variable_itself_comes_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("from the file")
    monkeypatch.setenv("OUTREACH_SECRET_MAIL_FILE", str(tmp_path / "token"))
    monkeypatch.setenv("OUTREACH_SECRET_MAIL", "from the variable")

    assert secret("mail") == "from the variable"


def test_a_file_that_cannot_be_read_is_said_without_its_content(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("OUTREACH_SECRET_MAIL_FILE", str(tmp_path / "absent"))

    with pytest.raises(SecretProblem, match=r"OUTREACH_SECRET_MAIL_FILE names .*absent, which"):
        secret("mail")


def test_an_empty_file_is_no_secret(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("\n")
    monkeypatch.setenv("OUTREACH_SECRET_MAIL_FILE", str(tmp_path / "token"))

    with pytest.raises(SecretProblem, match="token, which is empty"):
        secret("mail")


@pytest.mark.parametrize(
    "key",
    ["password", "smtp_password", "token", "auth_token", "api_key", "apikey", "client_secret"],
)
def test_keys_named_like_secrets_are_known(key: str) -> None:
    assert looks_secret(key)


@pytest.mark.parametrize("key", ["username", "address", "bypass", "passenger", "zone", "account"])
def test_other_keys_are_not_taken_for_secrets(key: str) -> None:
    assert not looks_secret(key)
