"""Decisions on suggested tags: one at a time, many, and all that wait in a source."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from marketplace.models import SourceTag
from marketplace.models.tag import TagKind
from marketplace.services.tags import approve_waiting, decide_tag, decide_tags
from skillmeat_site.core.actor import COMMAND_LINE, Actor
from skillmeat_site.core.errors import InvalidParameter, NotFound
from skillmeat_site.core.models import AuditEvent
from skillmeat_site.core.results import Trigger
from tests.factories.marketplace import SourceFactory, SourceTagFactory

pytestmark = pytest.mark.django_db


def statuses():
    return dict(SourceTag.objects.order_by("pk").values_list("pk", "status"))


def outcomes(result):
    return [(row.object.id, row.outcome.value, row.code) for row in result.rows]


def test_a_decision(admin_user):
    tag = SourceTagFactory(normalized="data-ai", value="05-Data_AI")
    updated = tag.source.updated_at
    actor = Actor(Trigger.API, admin_user.pk, "root")
    decided = decide_tag(tag.source, TagKind.PATH, "data-ai", "approved", actor=actor)
    assert (decided.pk, decided.status, decided.decided_by) == (tag.pk, "approved", admin_user)
    assert decided.decided_at is not None
    tag.source.refresh_from_db()
    assert tag.source.updated_at > updated
    event = AuditEvent.objects.get()
    assert (event.action, event.object_type) == ("tags.approved", "marketplace.sourcetag")
    assert event.object_id == str(tag.pk)
    assert event.data == {"ids": [tag.pk], "source_id": tag.source_id, "value": "data-ai"}


def test_the_same_decision_again_changes_nothing():
    tag = SourceTagFactory(status="rejected")
    before = SourceTag.objects.values().get()
    decide_tag(tag.source, TagKind.PATH, tag.normalized, "rejected", actor=COMMAND_LINE)
    assert SourceTag.objects.values().get() == before
    assert not AuditEvent.objects.exists()


def test_a_decision_can_be_changed_and_taken_back(admin_user):
    tag = SourceTagFactory(status="rejected", decided_by=admin_user)
    decided = decide_tag(tag.source, TagKind.PATH, tag.normalized, "approved", actor=COMMAND_LINE)
    assert (decided.status, decided.decided_by) == ("approved", None)
    decided = decide_tag(tag.source, TagKind.PATH, tag.normalized, "pending", actor=COMMAND_LINE)
    assert (decided.status, decided.decided_at) == ("pending", None)
    assert [event.action for event in AuditEvent.objects.order_by("pk")] == ["tags.approved", "tags.reopened"]


@pytest.mark.parametrize("spelling", ["data-ai", "05-Data_AI", "DATA AI", "7-data-ai"])
def test_a_path_tag_in_any_spelling(spelling):
    tag = SourceTagFactory(normalized="data-ai", value="05-Data_AI")
    assert decide_tag(tag.source, TagKind.PATH, spelling, "approved", actor=COMMAND_LINE).pk == tag.pk


def test_topics_and_folders_are_told_apart():
    source = SourceFactory()
    topic = SourceTagFactory(source=source, kind="topic", normalized="skills")
    folder = SourceTagFactory(source=source, kind="path", normalized="3-d")
    assert decide_tag(source, TagKind.TOPIC, "Skills", "approved", actor=COMMAND_LINE) == topic
    assert statuses() == {topic.pk: "approved", folder.pk: "pending"}
    with pytest.raises(NotFound):
        decide_tag(source, TagKind.TOPIC, "3-d", "approved", actor=COMMAND_LINE)


@pytest.mark.parametrize("value", ["other", "", "skills", "\u202e", "x" * 1000, "nul\0"])
def test_an_unknown_tag(value):
    source = SourceTagFactory().source
    with pytest.raises(NotFound):
        decide_tag(source, TagKind.PATH, value, "approved", actor=COMMAND_LINE)


def test_anothers_tag_is_unknown():
    tag = SourceTagFactory()
    with pytest.raises(NotFound):
        decide_tag(SourceFactory(), TagKind.PATH, tag.normalized, "approved", actor=COMMAND_LINE)


def test_a_gone_tag_can_be_decided_on():
    tag = SourceTagFactory(gone=True)
    assert decide_tag(tag.source, TagKind.PATH, tag.normalized, "rejected", actor=COMMAND_LINE).gone_at is not None


def test_a_wrong_status_is_refused_with_the_nearest():
    tag = SourceTagFactory()
    with pytest.raises(InvalidParameter, match="did you mean 'approved'") as caught:
        decide_tag(tag.source, TagKind.PATH, tag.normalized, "aproved", actor=COMMAND_LINE)
    assert caught.value.errors[0].pointer == "/status"
    with pytest.raises(InvalidParameter):
        decide_tags([tag.pk], status="", actor=COMMAND_LINE)


def test_many():
    pending, approved = SourceTagFactory(), SourceTagFactory(status="approved")
    ids = [pending.pk, approved.pk, 404, pending.pk]
    dry = decide_tags(ids, status="approved", actor=COMMAND_LINE, dry_run=True)
    expected = [(str(pending.pk), "updated", ""), (str(approved.pk), "unchanged", ""), ("404", "failed", "not_found")]
    assert outcomes(dry) == expected
    assert statuses()[pending.pk] == "pending"
    assert not AuditEvent.objects.exists()
    assert outcomes(decide_tags(ids, status="approved", actor=COMMAND_LINE)) == expected
    assert set(statuses().values()) == {"approved"}
    assert AuditEvent.objects.get().data["ids"] == [pending.pk]


def test_all_that_wait_in_a_source():
    source, other, untouched = SourceFactory(), SourceFactory(), SourceFactory()
    waiting = [SourceTagFactory(source=source), SourceTagFactory(source=source, kind="topic")]
    rejected = SourceTagFactory(source=source, status="rejected")
    gone = SourceTagFactory(source=source, gone=True)
    elsewhere = SourceTagFactory(source=untouched)
    ids = [source.pk, other.pk, 404]
    expected = [(str(source.pk), "updated", ""), (str(other.pk), "unchanged", ""), ("404", "failed", "not_found")]
    assert outcomes(approve_waiting(ids, actor=COMMAND_LINE, dry_run=True)) == expected
    assert set(statuses().values()) == {"pending", "rejected"}
    assert outcomes(approve_waiting(ids, actor=COMMAND_LINE)) == expected
    assert statuses() == dict.fromkeys((tag.pk for tag in waiting), "approved") | {
        rejected.pk: "rejected",
        gone.pk: "pending",
        elsewhere.pk: "pending",
    }
    assert outcomes(approve_waiting([source.pk], actor=COMMAND_LINE)) == [(str(source.pk), "unchanged", "")]


def test_many_cost_as_much_as_few():
    def cost(number):
        ids = [SourceTagFactory().pk for _ in range(number)]
        with CaptureQueriesContext(connection) as captured:
            decide_tags(ids, status="approved", actor=COMMAND_LINE)
        return len(captured)

    assert cost(2) == cost(20) <= 8
