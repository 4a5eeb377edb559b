"""`outreach init` sets up a project in a new folder and leaves folders in use alone."""

from pathlib import Path

import pytest

from outreach.cli.door import BAD_DATA, Failure
from outreach.cli.init import CONTENTS, create_project, shipped


def test_a_new_folder_gets_everything_that_is_shipped(tmp_path: Path) -> None:
    count = create_project(tmp_path / "new" / "project")

    made = tmp_path / "new" / "project"
    assert sorted(path.name for path in made.iterdir()) == sorted(CONTENTS)
    assert count == sum(1 for path in made.rglob("*") if path.is_file())
    for name in ("config.toml", "samples/clients.csv", "samples/README.md"):
        assert (made / name).read_bytes() == (shipped() / name).read_bytes()


def test_an_empty_folder_that_exists_is_taken(tmp_path: Path) -> None:
    create_project(tmp_path)

    assert (tmp_path / "config.toml").is_file()


def test_a_folder_with_a_file_in_it_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")

    with pytest.raises(Failure, match="is not empty; name a new one") as refusal:
        create_project(tmp_path)

    assert refusal.value.code == BAD_DATA
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")

    with pytest.raises(Failure, match="this is a file; name a new folder"):
        create_project(tmp_path / "file")
