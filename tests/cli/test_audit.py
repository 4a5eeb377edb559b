"""`outreach audit`: what an auditor types, and how each finding ends."""

import json
import shutil
from base64 import b64decode
from hashlib import sha256
from pathlib import Path

import pytest
from sqlalchemy import update
from typer.testing import CliRunner, Result

from outreach.cli import audit
from outreach.cli.door import AUDIT_FAILED, BAD_DATA, USAGE, Door, Failure
from outreach.core import merkle, note
from outreach.project.secrets import SecretProblem
from outreach.store import tables
from outreach.store.audit import Entry, append, entries
from outreach.store.database import Database
from tests.store.covered_rows import AT, log_page, pages, stand

ROOT = Path(__file__).parents[2]
SEED = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

PAGES = pages()
ENTRIES = len(PAGES) + 1  # a page each, and one that covers nothing
ROWS = sum(len(rows) for _, rows in PAGES)


@pytest.fixture
def project(tmp_path: Path, sqlite_template: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project folder whose log has ten entries: one, then a page of every covered table."""
    monkeypatch.delenv("OUTREACH_SECRET_AUDIT", raising=False)
    monkeypatch.setenv("OUTREACH_CLOCK", "2026-09-28T15:30+08:00")
    shutil.copy(ROOT / "config.toml", tmp_path / "config.toml")
    (tmp_path / "var").mkdir()
    shutil.copy(sqlite_template, tmp_path / "var" / "outreach.db")
    database = opened(tmp_path)
    with database.begin() as tx:
        append(tx, [Entry(AT, "campaign.checked", "wang.l", "closure-notice", {})])
        for table, rows in pages():
            log_page(tx, table, rows)
        stand(tx)
    database.close()
    return tmp_path


@pytest.fixture
def keyed(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OUTREACH_SECRET_AUDIT", SEED)
    return project


def opened(project: Path) -> Database:
    return Database(f"sqlite:///{project}/var/outreach.db")


def outreach(project: Path, *words: str, as_json: bool = False) -> Result:
    door = Door(project / "config.toml", json=as_json)
    return CliRunner().invoke(audit.app, list(words), obj=door)


def refusal(result: Result) -> Failure:
    assert isinstance(result.exception, Failure), result.exception
    return result.exception


def forge(project: Path) -> None:
    database = opened(project)
    with database.begin() as tx:
        table = tables.decision
        tx.execute(update(table).where(table.c.client_id == 2).values(verdict="suppress"))
    database.close()


# --- verify ----------------------------------------------------------------------------------


def test_an_honest_log_stands(project: Path) -> None:
    result = outreach(project, "verify")

    assert result.exit_code == 0
    assert (
        f"The log stands. Entries: {ENTRIES}; rows they answer for: {ROWS}; checkpoints: 0"
        in result.stdout
    )
    assert "outreach audit checkpoint" in result.stdout


def test_the_json_of_an_honest_log(keyed: Path) -> None:
    outreach(keyed, "checkpoint")
    found = json.loads(outreach(keyed, "verify", as_json=True).stdout)

    assert (found["ok"], found["entries"], found["tree_size"]) == (True, ENTRIES + 1, ENTRIES + 1)
    assert (found["checkpoints"], found["signatures"], found["first_bad"]) == (1, 1, None)
    assert len(bytes.fromhex(found["root"])) == 32


def test_a_forged_row_ends_with_its_own_exit_code_and_name(project: Path) -> None:
    forge(project)
    failure = refusal(outreach(project, "verify"))

    assert failure.code == AUDIT_FAILED == 4
    assert failure.lines == [
        "decision run 3 client 2: its content differs from what was recorded"
        " (entry 4 (decision.added, run 3))"
    ]


def test_the_json_of_a_forged_log_is_there_too(project: Path) -> None:
    forge(project)
    result = outreach(project, "verify", as_json=True)
    found = json.loads(result.stdout)

    assert refusal(result).code == AUDIT_FAILED
    assert found["ok"] is False
    assert found["first_bad"] == {
        "what": "decision run 3 client 2",
        "where": "entry 4 (decision.added, run 3)",
        "why": "its content differs from what was recorded",
    }


def test_a_copy_kept_elsewhere_is_held_against_the_log(keyed: Path) -> None:
    copy = keyed / "copy.note"
    outreach(keyed, "checkpoint", "--out", str(copy))
    honest = outreach(keyed, "verify", "--note", str(copy))
    copy.write_text(copy.read_text().replace(f"\n{ENTRIES}\n", "\n9\n"))
    forged = refusal(outreach(keyed, "verify", "--note", str(copy)))

    assert honest.exit_code == 0
    assert forged.code == AUDIT_FAILED
    assert forged.lines[0].startswith(str(copy))


def test_a_public_key_is_enough_to_check_signatures(
    keyed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = json.loads(outreach(keyed, "checkpoint", as_json=True).stdout)["key"]
    monkeypatch.delenv("OUTREACH_SECRET_AUDIT")
    other = note.verifier_key("www.example.com/outreach", note.public_key(bytes(32)))

    assert (
        "checkpoints: 1, with checked signature 1."
        in outreach(keyed, "verify", "--key", key).stdout
    )
    assert "Signatures were not checked" in outreach(keyed, "verify").stdout
    assert (
        "none of the given keys signed it"
        in refusal(outreach(keyed, "verify", "--key", other)).lines[0]
    )


def test_what_is_no_key_is_refused(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert refusal(outreach(project, "verify", "--key", "secret")).code == USAGE
    monkeypatch.setenv("OUTREACH_SECRET_AUDIT", "hunter2")
    failure = refusal(outreach(project, "verify"))

    assert failure.code == BAD_DATA
    assert "openssl rand -base64 32" in failure.lines[0]
    assert "hunter2" not in failure.lines[0]


def test_a_key_file_that_cannot_be_read_is_named(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OUTREACH_SECRET_AUDIT_FILE", str(project / "nowhere"))

    assert isinstance(outreach(project, "verify").exception, SecretProblem)


def test_a_note_that_cannot_be_read_is_named(project: Path) -> None:
    failure = refusal(outreach(project, "verify", "--note", str(project / "nowhere")))

    assert failure.code == BAD_DATA
    assert "nowhere" in failure.lines[0]


# --- checkpoint ------------------------------------------------------------------------------


def test_a_checkpoint_is_printed_and_signed_with_the_key_of_the_environment(keyed: Path) -> None:
    shown = outreach(keyed, "checkpoint", "--as", "li.m").stdout
    line = next(line for line in shown.splitlines() if line.startswith("Verifier key: "))
    name, public = note.read_verifier_key(line.removeprefix("Verifier key: ")) or ("", b"")
    text = note.verify(shown.partition("\nVerifier")[0].rstrip("\n") + "\n", name, public)

    assert name == "www.example.com/outreach"
    assert public == note.public_key(b64decode(SEED))
    assert text is not None
    assert text.splitlines()[:2] == [name, str(ENTRIES)]


def test_the_key_may_stand_in_a_file(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "seed").write_text(SEED + "\n")
    monkeypatch.setenv("OUTREACH_SECRET_AUDIT_FILE", str(project / "seed"))

    assert json.loads(outreach(project, "checkpoint", as_json=True).stdout)["key"]


def test_a_checkpoint_without_a_key_says_so(project: Path) -> None:
    assert "Not signed" in outreach(project, "checkpoint").stdout
    assert json.loads(outreach(project, "checkpoint", as_json=True).stdout)["key"] is None


def test_the_checkpoint_file_is_the_note(keyed: Path) -> None:
    out = keyed / "copy.note"
    made = json.loads(outreach(keyed, "checkpoint", "--out", str(out), as_json=True).stdout)

    assert out.read_text(encoding="utf-8") == made["note"]
    assert (made["size"], made["at"][:16]) == (ENTRIES, "2026-09-28T07:30")


# --- prove -----------------------------------------------------------------------------------


def recomputed(proof: dict[str, object], root: bytes) -> bool:
    """What an outsider does with a proof: from the record's text up to a root they already hold."""
    leaf = sha256(b"\x00" + str(proof["record"]).encode()).digest()
    index, size, path = proof["index"], proof["size"], proof["proof"]
    assert isinstance(index, int)
    assert isinstance(size, int)
    assert isinstance(path, list)
    nodes = [bytes.fromhex(node) for node in path]
    return merkle.verify_inclusion(leaf, index, size, nodes, root)


@pytest.mark.parametrize("seq", [0, 4, 9])
def test_a_proof_leads_from_the_record_to_the_sealed_root(keyed: Path, seq: int) -> None:
    made = json.loads(outreach(keyed, "checkpoint", as_json=True).stdout)
    proof = json.loads(outreach(keyed, "prove", str(seq), as_json=True).stdout)

    assert recomputed(proof["entry"], bytes.fromhex(made["root"]))
    assert proof["checkpoint"] == made["note"]
    assert json.loads(proof["entry"]["record"])[0] == seq
    assert proof["row"] is None


def test_before_a_checkpoint_the_proof_is_against_the_tree_as_it_stands(project: Path) -> None:
    root = json.loads(outreach(project, "verify", as_json=True).stdout)["root"]
    proof = json.loads(outreach(project, "prove", "2", as_json=True).stdout)

    assert recomputed(proof["entry"], bytes.fromhex(root))
    assert proof["checkpoint"] is None


@pytest.mark.parametrize(
    ("seq", "key"), [("4", "3,2"), ("5", "5"), ("8", "1,XSHG,600001,1"), ("1", f"{3:064d}")]
)
def test_a_row_is_proved_within_its_entry(project: Path, seq: str, key: str) -> None:
    proof = json.loads(outreach(project, "prove", seq, "--row", key, as_json=True).stdout)
    covers_root = json.loads(proof["entry"]["record"])[10]

    assert recomputed(proof["row"], bytes.fromhex(covers_root))


def test_a_proof_for_people_shows_record_path_and_checkpoint(keyed: Path) -> None:
    outreach(keyed, "checkpoint")
    shown = outreach(keyed, "prove", "0").stdout

    assert f"Entry 0 is leaf 0 of {ENTRIES}" in shown
    assert '"campaign.checked","wang.l","closure-notice"' in shown
    assert shown.count("  with   ") == (ENTRIES - 1).bit_length()
    assert "— www.example.com/outreach " in shown


@pytest.mark.parametrize(
    ("words", "why"),
    [
        pytest.param(["99"], f"the log has no entry 99; it holds {ENTRIES}", id="no entry"),
        pytest.param(["4", "--row", "3,9"], "entry 4 covers no row with the key 3,9", id="no row"),
        pytest.param(["0", "--row", "3"], "entry 0 covers no row with the key 3", id="no rows"),
    ],
)
def test_what_is_not_in_the_log_is_not_proved(project: Path, words: list[str], why: str) -> None:
    failure = refusal(outreach(project, "prove", *words))

    assert (failure.code, failure.lines) == (USAGE, [why])


@pytest.mark.parametrize(
    ("key", "why"),
    [
        ("3,2", "the row 3,2 is not what entry 4 recorded; run `outreach audit verify`"),
        ("3,5", "a row beside 3,5 is not what entry 4 recorded; run `outreach audit verify`"),
    ],
)
def test_a_forged_page_is_not_proved(project: Path, key: str, why: str) -> None:
    forge(project)
    failure = refusal(outreach(project, "prove", "4", "--row", key))

    assert (failure.code, failure.lines) == (AUDIT_FAILED, [why])


@pytest.mark.parametrize("column", ["actor", "leaf"])
def test_a_forged_entry_is_not_proved(project: Path, column: str) -> None:
    database = opened(project)
    with database.begin() as tx:
        table = tables.audit_entry
        value = b"x" * 32 if column == "leaf" else "li.m"
        tx.execute(update(table).where(table.c.seq == 4).values({column: value}))
    database.close()
    own, beside = (outreach(project, "prove", seq) for seq in ("4", "5"))

    assert refusal(own).code == AUDIT_FAILED
    assert (beside.exit_code == 0) is (column == "actor")


# --- what is on record -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "found"),
    [
        pytest.param([], ENTRIES, id="everything"),
        pytest.param(["--about", "closure-notice"], 1, id="about one thing"),
        pytest.param(["--about", "run 3", "--about", "closure-notice"], ENTRIES, id="about two"),
        pytest.param(["--about", "run"], 0, id="not about a part of its name"),
        pytest.param(["--kind", "campaign"], 1, id="of one kind by its first word"),
        pytest.param(["--kind", "campaign.checked", "--kind", "halt.added"], 2, id="of two kinds"),
        pytest.param(["--kind", "camp"], 0, id="not by a part of a word"),
        pytest.param(["--by", "wang.l"], 1, id="by a person"),
        pytest.param(["--since", "2026-09-29"], 0, id="since the day after"),
        pytest.param(["--since", "2026-09-28", "--until", "2026-09-28"], ENTRIES, id="on the day"),
        pytest.param(["--until", "2026-09-28T15:30"], 0, id="until the moment before"),
        pytest.param(["--limit", "2"], 2, id="so many"),
    ],
)
def test_what_is_on_record_is_asked_for(project: Path, words: list[str], found: int) -> None:
    shown = json.loads(outreach(project, "entries", *words, as_json=True).stdout)

    assert len(shown) == found
    numbers = [one["entry"] for one in shown]
    assert numbers == sorted(numbers, reverse=True)


def test_an_entry_says_who_did_what_and_which_rows_it_answers_for(project: Path) -> None:
    (one,) = json.loads(outreach(project, "entries", "--kind", "receipt", as_json=True).stdout)

    assert (one["kind"], one["actor"], one["about"]) == ("receipt.added", "planner", "run 3")
    assert one["detail"] == {"n": 5}
    assert one["covers"] == {"table": "receipt", "from": [1], "to": [5], "rows": 5}
    asked = (opened(project), one["entry"])
    with asked[0].reading() as conn:
        stored = next(entries(conn, asked[1]))
    assert (stored.kind, stored.covers_count) == (one["kind"], one["covers"]["rows"])
    asked[0].close()


def test_people_see_a_few_entries_and_that_there_are_more(project: Path) -> None:
    shown = outreach(project, "entries", "--limit", "3").stdout

    assert "3 entries shown, and there are more" in shown
    assert f"outreach audit prove {ENTRIES - 1}" in shown
    assert "No entry of the log" in outreach(project, "entries", "--by", "nobody").stdout
