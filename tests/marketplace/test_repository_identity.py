"""A source follows its repository by id: renamed, its name taken by another, gone; and what GitHub says of it."""

from __future__ import annotations

import json

import pytest

from marketplace.models import ScanRun, Source
from marketplace.services.sources import create_source, update_source
from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.core.errors import LeaseLost
from skillmeat_site.core.models import AuditEvent
from skillmeat_site.upstream.errors import UpstreamIdentityChanged, UpstreamNotFound
from tests.conftest import skill, skills
from tests.fakes.github_faults import mangled
from tests.marketplace.scanning import WRITING, Interfering, counters, dump, scan

pytestmark = pytest.mark.django_db


def register(hub, name="acme/tools", **fields):
    return create_source(url=f"{hub.url}/{name}", actor=COMMAND_LINE, **{"provider": "github", **fields})


@pytest.fixture
def repository(on_github):
    return on_github(skills("a", "b", "c"))


@pytest.fixture
def known(hub, repository):
    """Scanned once."""
    source = register(hub)
    scan(source)
    hub.requests.clear()
    return source


def place(source):
    source.refresh_from_db()
    return source.url, source.url_key, source.owner, source.name


# ---- what GitHub says


def test_what_github_says_is_recorded_with_the_scan(hub, repository):
    state = hub.repository("acme/tools")
    state.facts |= {
        "description": "Tools\nfor all",
        "license": "MIT",
        "topics": ["claude", "skills"],
        "archived": True,
    }
    source = register(hub)
    scan(source)
    assert source.repository_id == state.id
    assert (source.repository_description, source.repository_license) == ("Tools\nfor all", "MIT")
    assert (source.topics, source.archived) == (["claude", "skills"], True)
    state.facts |= {"description": None, "license": "", "topics": [], "archived": False}
    repository.commit({"README.md": "x"})
    scan(source)
    assert (source.repository_description, source.repository_license) == ("", "")
    assert (source.topics, source.archived) == ([], False)


def test_a_dry_run_and_a_failure_record_nothing(hub, repository):
    source = register(hub)
    scan(source, dry_run=True)
    assert source.repository_id is None
    hub.delete("acme/tools")
    with pytest.raises(UpstreamNotFound):
        scan(source)
    source.refresh_from_db()
    assert source.repository_id is None


def test_odd_words_of_github_are_stored_or_cut(hub, repository):
    facts = {"description": "a\0b" + "x" * 5000, "license": {"spdx_id": "L" * 300}, "topics": ["t" * 100]}
    hub.always("tools$", mangled(lambda body: json.dumps(json.loads(body) | facts).encode()))
    source = register(hub)
    scan(source)
    assert source.repository_description.startswith("a\ufffdbx")
    assert (len(source.repository_license), source.topics) == (100, ["t" * 100])


def test_another_url_forgets_what_was_said_of_the_old_one(hub, known):
    hub.repository("acme/tools").facts |= {"description": "Tools", "topics": ["x"], "archived": True}
    scan(known, force=True)
    update_source(known, actor=COMMAND_LINE, changes={"ref": "main"})
    assert known.repository_id is not None
    update_source(known, actor=COMMAND_LINE, changes={"url": f"{hub.url}/acme/others"})
    assert (known.repository_id, known.repository_description, known.topics, known.archived) == (None, "", [], False)


# ---- renamed


@pytest.mark.parametrize("changed", [False, True], ids=["current", "changed"])
def test_a_rename_is_followed(hub, known, repository, changed):
    number = known.repository_id
    hub.rename("acme/tools", "Newcorp/Kit.Box")
    repository.path = hub.root / "Newcorp" / "Kit.Box.git"
    if changed:
        repository.commit({"skills/a/SKILL.md": skill("a", "Does more")})
    result = scan(known)
    assert counters(result) == ({"updated": 1, "unchanged": 2} if changed else {"unchanged": 3})
    url = f"{hub.url}/Newcorp/Kit.Box"
    assert place(known) == (url, url.lower(), "Newcorp", "Kit.Box")
    assert known.repository_id == number
    assert AuditEvent.objects.get(action="source.renamed").data["url"] == url
    assert hub.count(lambda: scan(known)) == 1


def test_what_lies_at_the_root_is_called_by_the_new_name(hub, on_github):
    on_github({"SKILL.md": "Steps.\n"})
    source = register(hub)
    scan(source)
    before = source.entries.get().name
    hub.rename("acme/tools", "acme/kit")
    scan(source)
    assert (before, source.entries.get().name) == ("tools", "kit")


def test_only_another_case_is_no_rename(hub, repository):
    assert hub.repository("acme/tools")  # from now on found in any case
    source = register(hub, "ACME/Tools")
    scan(source)
    assert place(source)[0] == f"{hub.url}/ACME/Tools"
    assert not AuditEvent.objects.filter(action="source.renamed").exists()


def test_a_name_that_another_source_has_is_not_taken(hub, known, repository):
    hub.rename("acme/tools", "acme/kit")
    other = register(hub, "acme/kit")
    before = place(known)
    for result in (scan(known), scan(known, force=True)):
        assert [warning.code for warning in result.warnings] == ["rename_not_followed"]
        assert str(other.pk) in result.warnings[0].detail
        assert counters(result) == {"unchanged": 3}
    assert place(known) == before
    assert (known.last_error_code, ScanRun.objects.filter(outcome="failed").count()) == ("", 0)
    elsewhere = register(hub, "acme/tools", root_hint="skills")
    scan(elsewhere)
    assert place(elsewhere)[3] == "kit", "with another root folder it is another source"


def test_a_name_that_is_registered_while_it_is_scanned_ends_the_scan_without_a_trace(hub, known):
    hub.rename("acme/tools", "acme/kit")
    before, entries = place(known), dump(known)
    with pytest.raises(LeaseLost):
        scan(known, report=Interfering(WRITING, lambda: register(hub, "acme/kit")))
    assert (place(known), dump(known)) == (before, entries)


def test_a_dry_run_follows_nothing(hub, known):
    hub.rename("acme/tools", "acme/kit")
    before = place(known)
    assert counters(scan(known, dry_run=True)) == {"unchanged": 3}
    assert place(known) == before


def test_by_git_the_hosts_redirect_is_followed_and_the_name_kept(hub, repository):
    source = register(hub, provider="git")
    scan(source)
    hub.rename("acme/tools", "acme/kit")
    scan(source, force=True)
    assert place(source)[3] == "tools"


# ---- another repository under the old name


@pytest.fixture
def taken(hub, known, on_github):
    """The old name belongs to somebody else's repository."""
    hub.rename("acme/tools", "acme/kit")
    on_github(skills("evil"))
    return known


def test_the_known_repository_is_followed_by_its_id(hub, taken):
    number = taken.repository_id
    assert counters(scan(taken)) == {"unchanged": 3}
    assert (taken.repository_id, place(taken)[3]) == (number, "kit")
    assert hub.count(lambda: scan(taken)) == 1


@pytest.mark.parametrize("force", [False, True])
def test_where_it_is_gone_nothing_of_the_other_is_scanned(hub, taken, force):
    hub.delete("acme/kit")
    before, where = dump(), place(taken)
    with pytest.raises(UpstreamIdentityChanged, match="acme/tools"):
        scan(taken, force=force)
    assert (dump(), place(taken)) == (before, where)
    assert taken.last_error_code == "upstream_identity_changed"
    assert not [path for path in hub.paths() if "/git/" in path]
    assert taken.lease_token is None


def test_a_name_that_is_gone_is_looked_for_by_its_id(hub, taken):
    hub.delete("acme/tools")
    hub._old_names.clear()
    assert counters(scan(taken)) == {"unchanged": 3}
    assert place(taken)[3] == "kit"
    hub.delete("acme/kit")
    with pytest.raises(UpstreamNotFound):
        scan(taken)


def test_registered_anew_the_other_one_is_a_source_like_any(hub, taken):
    hub.delete("acme/kit")
    Source.objects.filter(pk=taken.pk).delete()
    assert counters(scan(register(hub))) == {"new": 1}
