"""Outcomes, summaries that add up, and what they make of a job."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillmeat_site.core.results import (
    ACTIVE,
    RETRIABLE,
    TERMINAL,
    UNWELL,
    BulkResult,
    ItemOutcome,
    JobStatus,
    ObjectRef,
    Row,
    Summary,
)  # fmt: skip


@given(st.lists(st.sampled_from(list(ItemOutcome))))
def test_a_summary_adds_up(outcomes):
    shown = Summary.of(outcomes).to_json()
    assert shown.pop("total") == len(outcomes) == sum(shown.values())
    assert shown == {outcome.value: outcomes.count(outcome) for outcome in ItemOutcome}


@pytest.mark.parametrize(
    ("outcomes", "status"),
    [
        ("", "succeeded"),
        ("created updated unchanged removed skipped", "succeeded"),
        ("failed", "failed"),
        ("failed failed", "failed"),
        ("failed updated", "partial"),
        ("failed deferred", "partial"),
        ("deferred", "partial"),
        ("conflict", "partial"),
        ("conflict updated", "partial"),
    ],
)
def test_job_status(outcomes, status):
    assert Summary.of(outcomes.split()).job_status == status


def test_an_outcome_nobody_knows_is_refused():
    with pytest.raises(ValueError, match="vanished"):
        Summary.of(["vanished"])


def test_the_words_cover_each_other():
    assert set(ACTIVE) | set(TERMINAL) == set(JobStatus)
    assert not set(ACTIVE) & set(TERMINAL)
    assert RETRIABLE < UNWELL


@pytest.mark.parametrize(
    ("row", "shown"),
    [
        (Row(ObjectRef("t", "7"), ItemOutcome.UPDATED), {"id": 7, "outcome": "updated", "code": None}),
        (Row(ObjectRef("t", "a-7"), ItemOutcome.UPDATED), {"id": "a-7", "outcome": "updated", "code": None}),
        (
            Row(ObjectRef("t", "7"), ItemOutcome.FAILED, "not_found", "None."),
            {"id": 7, "outcome": "failed", "code": "not_found", "detail": "None."},
        ),
        (
            Row(ObjectRef("t", "7"), ItemOutcome.UPDATED, detail={"n": 1, "outcome": "overridden", "code": "x"}),
            {"id": 7, "n": 1, "outcome": "updated", "code": None},
        ),
    ],
)
def test_a_row(row, shown):
    assert row.to_json() == shown


def test_a_bulk_result():
    rows = tuple(Row(ObjectRef("t", str(n)), outcome) for n, outcome in enumerate(ItemOutcome))
    result = BulkResult(rows)
    assert (result.job_status, result.item_outcome) == ("partial", "updated")
    assert "dry_run" not in result.to_json()
    assert len(result.to_json()["results"]) == result.to_json()["summary"]["total"] == len(rows)
    assert BulkResult((), dry_run=True).to_json()["dry_run"] is True
    assert BulkResult((Row(ObjectRef("t", "1"), ItemOutcome.FAILED),)).item_outcome == "failed"
