"""Lists that count ahead: what they say of their length, where their pages lead, and what a wrong address gets."""

from __future__ import annotations

import re

import pytest
from django.contrib import admin
from django.urls import reverse

from marketplace.models import CatalogEntry, Source
from skillmeat_site.core.admin import changelist as lists
from skillmeat_site.core.admin.counting import Bounded, bounded_counts
from skillmeat_site.core.models import Job
from tests.factories.core import JobFactory, UserFactory
from tests.factories.marketplace import CatalogEntryFactory, SourceFactory, SourceTagFactory

pytestmark = pytest.mark.django_db
ENTRIES = "/admin/marketplace/catalogentry/"
SOURCES = "/admin/marketplace/source/"
HOSTILE = "<script>alert(1)</script>\u202egnp"


@pytest.fixture
def few(monkeypatch):
    """Lists of two rows a page that look five rows ahead."""
    monkeypatch.setattr(lists, "AHEAD", 5)
    for model in (CatalogEntry, Source):
        monkeypatch.setattr(type(admin.site.get_model_admin(model)), "list_per_page", 2)


@pytest.fixture
def page(admin_client):
    def ask(url, follow=False, **query):
        answer = admin_client.get(url, query, follow=follow)
        assert answer.status_code == 200, answer
        return answer.content.decode()

    return ask


def names(shown):
    return re.findall(r'<th class="field-shown_name"><a [^>]*>([^<]+)', shown)


def chips(shown):
    return re.findall(r'class="sm-chip" href="([^"]*)"[^>]*><span>([^<]*)</span> <bdi>([^<]*)</bdi>', shown)


def tabs(shown):
    tab = r'<a href="([^"]*)"( aria-current="page")?>([^<]*?)(?: <span class="sm-facet">(.*?)</span>)?</a>'
    found = re.findall(tab, shown.partition('class="sm-tabs"')[2].partition("</nav>")[0])
    return {label: (url, bool(current), size) for url, current, label, size in found}


def entries(number, **columns):
    source = SourceFactory()
    return [CatalogEntryFactory(source=source, name=f"entry-{n:03}", **columns) for n in range(number)]


def test_a_short_list_tells_its_length(few, page):
    entries(5)
    shown = page(ENTRIES)
    assert "<strong>5 catalog entries</strong>" in shown
    assert "Select all 5 catalog entries" in shown
    assert "more than" not in shown


def test_a_long_list_never_tells_a_number_that_was_not_counted(few, page):
    entries(9)
    shown = page(ENTRIES)
    assert "<strong>More than 5 catalog entries</strong>" in shown
    assert "Select all that match, on every page (more than 5 catalog entries)" in shown
    assert "Select all 5" not in shown
    assert "<strong>More than 7 catalog entries</strong>" in page(ENTRIES, p=2)
    assert "<strong>9 catalog entries</strong>" in page(ENTRIES, p=3)
    assert "<strong>9 catalog entries</strong>" in page(ENTRIES, p=5)


def test_following_the_pages_shows_every_row_once(few, page):
    made = entries(9)
    seen, url = [], "?o=1"
    while url:
        shown = page(ENTRIES + url)
        seen += names(shown)
        url = "".join(re.findall(r'<a href="([^"]*)" rel="next">', shown)).replace("&amp;", "&")
    assert seen == [entry.name for entry in made]


@pytest.mark.parametrize("number", ["4", "99", "10000000000000000000000", "-3", "0", "x", ""])
def test_a_page_that_is_none_shows_one_that_is(few, page, number):
    entries(5)
    shown = page(ENTRIES, p=number)
    beyond = number.isdigit() and int(number) > 3
    assert names(shown) == (["entry-004"] if beyond else ["entry-000", "entry-001"])
    assert ("this is the last one" in shown) is beyond


def test_a_page_of_a_list_that_is_empty_now(few, page):
    entries(1)
    shown = page(ENTRIES, p=7, status="imported")
    assert "Nothing here matches." in shown
    assert "<strong>0 catalog entries</strong>" in shown


def test_what_is_selected_across_pages_is_all_that_match(few, admin_client, page):
    entries(9, type="hook")
    entries(4, type="skill")
    shown = page(ENTRIES, type="hook")
    assert "more than 5" in shown
    first = re.search(r'name="_selected_action" value="(\d+)"', shown)[1]
    chosen = {"action": "exclude", "select_across": "1", "index": "0", "_selected_action": [first]}
    confirm = admin_client.post(f"{ENTRIES}?type=hook", chosen, follow=True).content.decode()
    assert re.search(r"<strong>9</strong>\s+selected", confirm)


MODELS = list(admin.site._registry)
STRANGE = ("nonsense=1", "pk__in=1,2", "id__regex=(((", "source__lease_token=x", "e=1")
ODD = ("q=%00", "o=99.-x.-1", "all=", "p=-1")
UNKNOWN = ("nonsense", HOSTILE, "\x00", "9" * 30, "-1")


def changelist(model):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label_lower)
def test_a_strange_address_is_no_fault(admin_client, model):
    for query in (*STRANGE, *ODD):
        answer = admin_client.get(f"{changelist(model)}?{query}", follow=True)
        assert answer.status_code == 200
        assert ("a filter that there is not" in answer.content.decode()) is (query in STRANGE), query


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label_lower)
def test_an_unknown_value_of_a_filter_lists_nothing_and_says_so(admin_client, model):
    SourceTagFactory(source=CatalogEntryFactory().source)
    JobFactory()
    filters = [kind for kind in admin.site.get_model_admin(model).list_filter if not isinstance(kind, str)]
    for name in (kind.parameter_name for kind in filters):
        for value in UNKNOWN:
            answer = admin_client.get(changelist(model), {name: value})
            assert answer.status_code == 200
            shown = re.sub(r'<input type="hidden"[^>]*>', "", answer.content.decode())
            assert shown.count("nothing is listed") == 1, (name, value)
            assert 'class="action-select"' not in shown
            assert "<script>alert" not in shown
            assert "\u202e" not in shown
            assert chips(shown)  # to take it away
        assert admin_client.get(changelist(model), {name: ""}).status_code == 200


def test_filters_that_hold_can_be_taken_away_one_by_one(page):
    source = SourceFactory(owner="acme", name="tools")
    kept = CatalogEntryFactory(source=source, name="pdf-reader", type="skill")
    CatalogEntryFactory(source=source, name="pdf-writer", type="hook")
    CatalogEntryFactory(source=source, name="pdf-gone", type="skill", removed=True)
    shown = page(ENTRIES, type="skill", source=source.pk, q="pdf")
    assert names(shown) == [kept.name]
    found = {title: (url.replace("&amp;", "&"), text) for url, title, text in chips(shown)}
    assert {title: text for title, (_, text) in found.items()} == {
        "Search": "“pdf”",
        "Show": "without removed, excluded, duplicates",
        "Type": "skill",
        "Source": "acme/tools",
    }
    assert set(names(page(ENTRIES + found["Type"][0]))) == {"pdf-reader", "pdf-writer"}
    assert set(names(page(ENTRIES + found["Show"][0]))) == {"pdf-reader", "pdf-gone"}
    assert "Search" not in {title for _, title, _ in chips(page(ENTRIES + found["Search"][0]))}


def test_every_saved_view_counts_what_it_lists(page):
    best = CatalogEntryFactory(confidence=10)
    CatalogEntryFactory(duplicate_of=best, source=best.source)
    CatalogEntryFactory(removed=True)
    CatalogEntryFactory(excluded=True)
    CatalogEntryFactory(changed_since_first_seen=True)
    SourceFactory(last_error_code="upstream_auth")
    SourceFactory(scanned=True)
    SourceTagFactory.create_batch(2)
    SourceTagFactory(status="approved")
    SourceTagFactory(gone=True)
    for status in ("running", "queued", "failed", "partial", "succeeded"):
        JobFactory(status=status)
    counted = 0
    for model, model_admin in admin.site._registry.items():
        url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        shown = page(url) if getattr(model_admin, "views", ()) else ""
        for label, (query, _, size) in tabs(shown).items():
            listed = page(url + query.replace("&amp;", "&"))
            assert tabs(listed)[label][1], (model, label)
            if size:
                counted += int(size)
                assert listed.count('class="action-select"') == int(size), (model, label)
    assert counted >= 15


def test_a_saved_view_is_not_counted_to_its_end(monkeypatch, page):
    monkeypatch.setattr(lists, "MOST_OF_A_VIEW", 2)
    entries(4)
    assert tabs(page(ENTRIES))["New"][2] == "2+"


def test_options_tell_how_many_rows_they_leave(page):
    entries(3, type="hook", confidence=90)
    entries(2, type="skill", confidence=20)
    shown = page(ENTRIES)
    facets = dict(re.findall(r"<span>([^<]*)</span> <span class=\"sm-facet\">([^<]*)</span></a></li>", shown))
    assert facets["hook"] == "3"
    assert facets["skill"] == "2"
    assert facets["agent"] == "0"
    assert facets["new"] == "5"
    assert facets["below 50"] == "2"
    # of a filter that holds nothing is told: the others of it were not looked at
    assert "sm-facet" not in page(ENTRIES, type="hook").partition("<summary>Type</summary>")[2].partition("</ul>")[0]


def test_options_of_a_long_list_are_bounded_or_silent(few, page, monkeypatch):
    monkeypatch.setattr("skillmeat_site.core.admin.facets.MOST_OF_AN_OPTION", 4)
    entries(9, type="hook")
    menu = page(ENTRIES).partition("<summary>Type</summary>")[2]
    assert re.search(r"hook</span> <span class=\"sm-facet\">4\+</span>", menu.partition("</ul>")[0])
    status = menu.partition("<summary>Status</summary>")[2].partition("</ul>")[0]
    assert "sm-facet" not in status
    assert "sm-facet" not in page(ENTRIES, q="entry").partition("<summary>Type</summary>")[2].partition("</ul>")[0]


def test_bounded_counts_ask_once(django_assert_num_queries):
    JobFactory.create_batch(3)
    jobs = Job.objects.all()
    with django_assert_num_queries(1):
        found = bounded_counts([jobs, jobs.filter(status="failed"), jobs.none(), jobs.filter(trigger="admin")], 2)
    assert found == [Bounded(2, True), Bounded(0, False), Bounded(0, False), Bounded(2, True)]
    assert [str(one) for one in found] == ["2+", "0", "0", "2+"]
    Job.objects.all().delete()
    assert bounded_counts([jobs], 2) == [Bounded(0, False)]
    assert bounded_counts([], 2) == []


def test_a_word_that_very_many_have_is_not_ranked_and_says_so(page, monkeypatch):
    monkeypatch.setattr("marketplace.admin.entries.RANKED", 3)
    for name in ("zebra reader", "reader", "old reader", "reader two"):
        CatalogEntryFactory(name=name)
    shown = page(ENTRIES, q="reader")
    assert names(shown) == ["zebra reader", "reader", "old reader", "reader two"]
    assert shown.count("More than 3 entries have these words") == 1
    assert names(page(ENTRIES, q="reader", o=1)) == ["old reader", "reader", "reader two", "zebra reader"]
    assert names(page(ENTRIES, q="old reader")) == ["old reader"]
    monkeypatch.setattr("marketplace.admin.entries.RANKED", 4)
    assert names(page(ENTRIES, q="reader"))[0] == "reader"


def test_a_source_is_picked_by_typing_and_never_listed(admin_client, page):
    SourceFactory.create_batch(60)
    picked = SourceFactory(owner="acme", name=f"tools{HOSTILE}")
    shown = page(ENTRIES, source=picked.pk, type="hook")
    assert shown.count("<option") < 30
    assert 'name="type" value="hook"' in shown  # the field's form keeps the other filters
    assert "\u202e" not in shown
    assert "<script>alert" not in shown
    query = {"app_label": "marketplace", "model_name": "catalogentry", "field_name": "source", "term": "tools<script"}
    offered = admin_client.get(reverse("admin:autocomplete"), query).json()["results"]
    assert [one["id"] for one in offered] == [str(picked.pk)]
    assert "\u202e" not in offered[0]["text"]


def test_who_may_not_see_sources_is_offered_none(client):
    entry = CatalogEntryFactory()
    client.force_login(UserFactory(permissions=["marketplace.view_catalogentry"]))
    shown = client.get(ENTRIES, {"source": entry.source_id}).content.decode()
    assert "admin-autocomplete" not in shown
    assert shown.count('class="action-select"') == 1


def test_a_filter_with_nothing_in_it_is_not_there(client):
    """Who may not look at sources has none to pick: the menu would open, and be empty."""
    CatalogEntryFactory()
    client.force_login(UserFactory(permissions=["marketplace.view_catalogentry"]))
    assert "sm-picked" not in client.get(ENTRIES).content.decode()


def test_a_long_value_that_no_filter_has_is_told_as_text(page):
    shown = page(ENTRIES, type="<b>" + "x" * 100)
    assert f"There is no type “&lt;b&gt;{'x' * 57}”: nothing is listed." in shown


def test_a_name_of_ten_thousand_characters_is_short_in_lists_and_whole_on_its_page(page):
    source = SourceFactory(tags=["x" * 20])
    Source.objects.filter(pk=source.pk).update(repository_description=HOSTILE, topics=["<script>t"])
    entry = CatalogEntryFactory(source=source, path="p/" + "long" * 2_500, title="t" * 10_000)
    shown = page(ENTRIES)
    assert len(shown) < 60_000
    assert entry.path not in shown
    assert entry.title in page(f"{ENTRIES}{entry.pk}/change/")
    assert "<script>alert" not in page(f"{SOURCES}{source.pk}/change/")


def test_a_list_without_rows_says_what_to_do(page):
    assert "Entries come from scans: add a source, and scan it." in page(ENTRIES)
    assert "Add a repository that holds skills" in page(SOURCES)
