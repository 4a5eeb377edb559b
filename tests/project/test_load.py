"""The project folder is read from wherever it stands, and its digests change with what it says."""

from pathlib import Path

import pytest

from outreach.core.render import compile_template
from outreach.project.load import Project, load_project
from tests.project.small_project import change, make_project


def load(folder: Path) -> Project:
    project, problems = load_project(folder / "config.toml")
    assert problems == []
    assert project is not None
    return project


def test_paths_are_read_from_the_folder_of_the_config(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_project(tmp_path / "there")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")

    project, problems = load_project(Path("../there/config.toml"))

    assert problems == []
    assert project is not None
    assert project.root == tmp_path / "there"
    assert sorted(project.campaigns) == ["digest", "notice"]
    assert project.client_numbers("vip.txt") == {"10001", "10002"}


def test_a_problem_names_the_file_as_the_clerk_would_open_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_project(tmp_path)
    (tmp_path / "templates/notice/template.toml").unlink()
    monkeypatch.chdir(tmp_path)

    _, problems = load_project(Path("config.toml"))

    assert [problem.file for problem in problems] == ["templates/notice/template.toml"]


def test_other_folders_may_be_named(tmp_path: Path) -> None:
    make_project(tmp_path)
    (tmp_path / "campaigns").rename(tmp_path / "notices")
    with (tmp_path / "config.toml").open("a", encoding="utf-8") as config:
        config.write('\n[paths]\ncampaigns = "notices"\n')

    assert sorted(load(tmp_path).campaigns) == ["digest", "notice"]


def test_a_campaign_digest_is_of_the_exact_bytes(tmp_path: Path) -> None:
    make_project(tmp_path)
    before = load(tmp_path)
    change(tmp_path, "campaigns/notice.toml", "[values]", "# a comment\n[values]")

    after = load(tmp_path)

    assert after.campaign_digest("notice") != before.campaign_digest("notice")
    assert after.campaign_digest("digest") == before.campaign_digest("digest")


@pytest.mark.parametrize(
    "file",
    [
        "templates/notice/template.toml",
        "templates/notice/sms.en.text.j2",
        "templates/_layout/email.en.html.j2",
    ],
)
def test_a_template_digest_covers_all_its_files_and_layouts(tmp_path: Path, file: str) -> None:
    make_project(tmp_path)
    before = load(tmp_path)
    path = tmp_path / file
    path.write_text(path.read_text(encoding="utf-8") + " \n", encoding="utf-8")

    after = load(tmp_path)

    assert after.template_digest("notice") != before.template_digest("notice")
    assert after.template_digest("digest") == before.template_digest("digest")


def test_the_template_is_what_the_renderer_compiles(tmp_path: Path) -> None:
    make_project(tmp_path)
    folder = load(tmp_path).templates["notice"]

    assert compile_template(folder.files).digest == folder.digest


def test_a_segment_digest_is_of_its_meaning_and_its_list(tmp_path: Path) -> None:
    make_project(tmp_path)
    before = load(tmp_path)
    change(tmp_path, "campaigns/segments.toml", "[listed]", "# moved\n\n[listed]")
    moved = load(tmp_path)
    (tmp_path / "vip.txt").write_text("10001\n10002\n10003\n", encoding="utf-8")
    longer = load(tmp_path)

    assert moved.segment_digest("listed") == before.segment_digest("listed")
    assert longer.segment_digest("listed") != before.segment_digest("listed")
    assert longer.segment_digest("active-clients") == before.segment_digest("active-clients")


def test_one_broken_campaign_leaves_the_others_readable(tmp_path: Path) -> None:
    make_project(tmp_path)
    change(tmp_path, "campaigns/notice.toml", "[occurrence]", "[occurrence")

    project, problems = load_project(tmp_path / "config.toml")

    assert project is not None
    assert list(project.campaigns) == ["digest"]
    assert len(problems) == 1
