"""The person's story: everything SkillMeat is for, in a real browser before a real server, worker, disk and database.

One test, because each step stands on the one before. After each step: what the page says, and what is true.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from marketplace import sample
from skillmeat_site.upstream.sample import commit
from tests.browser.house import House
from tests.browser.person import ASKED, Person
from tests.conftest import skill

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

CROWD = [f"note-{number:02}" for number in range(60)]
STRANGER = "Nobody knows me."
CHANGED = CROWD[:3]
SKILLS = "type = 'skill' AND duplicate_of_id IS NULL"
LATER = 1_767_500_000


def test_from_a_new_source_to_a_rollback(visit, house: House) -> None:
    repository = house.repositories / "toolbox.git"
    sample.create(repository)
    commit(repository, crowd(CROWD, "as it was"), "Sixty notes", time=LATER)
    person = visit().log_in()
    add_the_source(person, repository)
    scan_and_watch(person)
    import_all_skills_with_one_in_the_way(person)
    import_the_one_that_was_left(person)
    deploy_them_all(person)
    before = files(house.home / "collections/default")
    change_upstream(person, repository)
    see_the_difference(person)
    reimport_what_has_changed(person)
    cancel_a_scan_and_retry(person, repository)
    roll_back(person, before)


def crowd(names: list[str], body: str) -> dict[str, str | None]:
    return {f"skills/{name}/SKILL.md": skill(name, "One of many", body) for name in names}


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def add_the_source(person: Person, repository: Path) -> None:
    """Looked at first, which saves nothing."""
    person.open("marketplace/source/add/")
    person.page.get_by_label("URL").fill(f"file://{repository}")
    person.page.get_by_role("button", name="Check it").click()
    expect(person.page.locator("#content")).to_contain_text("holds 72 artifacts")
    expect(person.page.get_by_label("URL")).to_have_value(f"file://{repository}")
    assert person.house.one("SELECT count(*) FROM marketplace_source") == 0
    person.page.get_by_role("button", name="Save", exact=True).click()
    expect(person.page.locator(".messagelist")).to_contain_text("was added successfully")
    expect(person.rows()).to_have_count(1)
    assert person.house.one("SELECT url FROM marketplace_source") == f"file://{repository}"
    assert person.house.one("SELECT count(*) FROM core_job") == 0


def scan_and_watch(person: Person) -> None:
    """The page tells what happens while it stands still: nobody reloads it."""
    house = person.house
    with house.slow_git():
        person.follow("toolbox").follow("Rescan").confirm()
        person.page.evaluate("window.stood = true")
        person.sees_job("running")
        assert person.page.evaluate("window.stood")
    job = person.sees_job("succeeded")
    assert person.page.evaluate("window.stood"), "the page was loaded anew"
    assert house.one("SELECT count(*) FROM marketplace_catalogentry") == 72
    assert house.job(person.job())["status"] == job


def import_all_skills_with_one_in_the_way(person: Person) -> None:
    house = person.house
    stranger = house.home / "collections/default/skills/pdf/SKILL.md"
    stranger.parent.mkdir(parents=True)
    stranger.write_text(STRANGER)
    person.open("marketplace/catalogentry/")
    filters = person.page.locator("#changelist-filter")
    filters.locator("summary").filter(has_text=re.compile(r"^\s*Type\s*$", re.IGNORECASE)).click()
    filters.get_by_role("link", name=re.compile("^skill")).click()
    expect(person.page).to_have_url(re.compile("type=skill"))
    skills = house.one(
        "SELECT count(*) FROM marketplace_catalogentry WHERE type = 'skill' AND duplicate_of_id IS NULL"
    )
    assert person.rows().count() < skills
    person.tick_all(across_pages=True).act("import")
    expect(person.page.locator("#content")).to_contain_text(f"{skills} selected")
    person.page.get_by_label("Where the name is taken").select_option("overwrite")
    expect(person.page).to_have_url(re.compile("strategy=overwrite"))  # the plan has followed the option
    person.confirm()
    person.sees_job("partial")
    person.sees_outcomes({"created": skills - 1, "conflict": 1})
    assert stranger.read_text() == STRANGER
    assert house.one("SELECT count(*) FROM collections_app_artifact") == skills - 1
    assert house.one("SELECT count(*) FROM collections_app_artifact WHERE name = 'pdf'") == 0
    stranger.parent.rename(stranger.parent.parent.parent.parent / "pdf-of-yore")


def import_the_one_that_was_left(person: Person) -> None:
    """From the job's page to its entry, and from there to its import."""
    person.page.locator("nav.sm-tabs").get_by_role("link", name="conflict").click()
    expect(person.page.locator("#items tbody tr")).to_have_count(1)
    person.page.locator("#items").get_by_role("link", name="pdf").click()
    person.follow("Import").confirm()
    person.sees_job("succeeded")
    assert (person.house.home / "collections/default/skills/pdf/scripts/fill.py").read_text() == "print('filled')\n"


def deploy_them_all(person: Person) -> None:
    house = person.house
    project = house.projects / "app"
    project.mkdir()
    person.open("collections_app/project/add/")
    person.page.get_by_label("Path").fill(str(project))
    person.page.get_by_label("Name").fill("app")
    person.page.get_by_role("button", name="Save", exact=True).click()
    expect(person.page.locator(".messagelist")).to_contain_text("was added successfully")
    person.open("collections_app/artifact/?type=skill").tick_all(across_pages=True).act("deploy")
    person.page.get_by_role("combobox", name="Project").select_option(label="app")
    expect(person.page).to_have_url(re.compile(r"project=\d"))  # the plan has followed the option
    person.confirm()
    person.sees_job("succeeded")
    artifacts = house.one("SELECT count(*) FROM collections_app_artifact")
    person.sees_outcomes({"created": artifacts})
    assert len(list((project / ".claude/skills").iterdir())) == artifacts
    assert house.one("SELECT count(*) FROM collections_app_deployment") == artifacts


def change_upstream(person: Person, repository: Path) -> None:
    """Three notes and the sample's changes; a scan finds them, and imported entries say that there is an update."""
    commit(repository, crowd(CHANGED, "as it is now"), "Three notes", time=LATER + 60)
    sample.change(repository)
    rescan(person)
    person.sees_job("succeeded")
    person.open("marketplace/catalogentry/?update_available=yes")
    expect(person.rows()).to_have_count(len(CHANGED) + 1)
    expect(person.page.locator("#result_list")).to_contain_text("update available")


def rescan(person: Person) -> None:
    person.open("marketplace/source/").tick("toolbox").act("rescan").confirm()


def see_the_difference(person: Person) -> None:
    """Of one entry: as imported, as it is upstream. Looking changes nothing."""
    before = files(person.house.home / "collections/default")
    person.page.locator("#result_list").get_by_role("link", name="pdf", exact=True).first.click()
    person.follow(re.compile("Compare", re.IGNORECASE))
    shown = person.page.locator("#content")
    expect(shown).to_contain_text("print('filled')")
    expect(shown).to_contain_text("print('filled, and checked')")
    person.follow("Side by side")
    expect(shown).to_contain_text("print('filled, and checked')")
    assert files(person.house.home / "collections/default") == before


def reimport_what_has_changed(person: Person) -> None:
    """Those that nobody touched follow into the project; what was edited there stays."""
    house = person.house
    edited = house.projects / "app/.claude/skills" / CHANGED[0] / "SKILL.md"
    edited.write_text(edited.read_text() + "Mine.\n")
    person.open("marketplace/catalogentry/?update_available=yes").tick_all().act("reimport")
    expect(person.page.get_by_label("Keep deployments")).to_be_checked()
    person.confirm()
    person.sees_job("succeeded")
    person.sees_outcomes({"updated": len(CHANGED) + 1})
    collection, deployed = house.home / "collections/default/skills", house.projects / "app/.claude/skills"
    for folder in (collection, deployed):
        assert (folder / "pdf/scripts/fill.py").read_text() == "print('filled, and checked')\n"
        assert "as it is now" in (folder / CHANGED[1] / "SKILL.md").read_text()
        assert "as it was" in (folder / CROWD[-1] / "SKILL.md").read_text()
    assert "as it is now" in (collection / CHANGED[0] / "SKILL.md").read_text()
    assert edited.read_text().endswith("Mine.\n")
    assert "as it was" in edited.read_text()


def cancel_a_scan_and_retry(person: Person, repository: Path) -> None:
    house = person.house
    known = house.entries()
    commit(repository, crowd(["late"], "last of all"), "One more", time=LATER + 100_000)
    with house.slow_git():
        rescan(person)
        person.sees_job("running")
        person.page.get_by_role("button", name="Cancel this job").click()
        expect(person.page.locator("#content")).to_contain_text(ASKED)
        person.sees_job("cancelled")  # in the middle of git's work: it is still at the gate
    assert house.entries() == known
    cancelled = person.job()
    person.page.get_by_role("button", name="Retry").click()
    expect(person.page).not_to_have_url(re.compile(cancelled))
    person.sees_job("succeeded")
    assert len(house.entries()) == len(known) + 1
    assert house.job(cancelled)["status"] == "cancelled"


def roll_back(person: Person, before: dict[str, bytes]) -> None:
    """To the moment before the re-import: every byte, and the page says what it will be."""
    house = person.house
    person.open("collections_app/snapshot/")
    person.page.locator("#result_list tbody tr").filter(has_text="reimport").first.get_by_role("link").first.click()
    expect(person.page.locator("#content")).to_contain_text("print('filled, and checked')")
    person.follow("Restore").confirm()
    person.sees_job("succeeded")
    assert files(house.home / "collections/default") == before
    person.open("collections_app/artifact/?q=pdf")
    expect(person.rows()).to_contain_text("update available")
