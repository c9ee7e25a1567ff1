"""How long a limit means to wait, whatever the headers say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from requests.structures import CaseInsensitiveDict

from skillmeat_site.upstream.git_errors import MAX_RETRY_AFTER
from skillmeat_site.upstream.quota import DEFAULT_PAUSE, rate_limited, read_quota

NOW = datetime.now(UTC).replace(microsecond=0)


def epoch(seconds: int) -> str:
    return str(int(NOW.timestamp()) + seconds)


def date(seconds: int) -> str:
    return format_datetime(NOW + timedelta(seconds=seconds), usegmt=True)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        pytest.param({"retry-after": "7"}, 7, id="seconds"),
        pytest.param({"retry-after": date(30)}, 30, id="date"),
        pytest.param({"retry-after": date(-30)}, 1, id="past date"),
        pytest.param({"retry-after": "-5"}, DEFAULT_PAUSE, id="negative"),
        pytest.param({"retry-after": "abc"}, DEFAULT_PAUSE, id="words"),
        pytest.param({"retry-after": "0"}, 1, id="zero"),
        pytest.param({"retry-after": "9" * 30}, MAX_RETRY_AFTER, id="huge"),
        pytest.param({}, DEFAULT_PAUSE, id="nothing"),
        pytest.param({"x-ratelimit-remaining": "0", "x-ratelimit-reset": epoch(90)}, 90, id="reset"),
        pytest.param({"x-ratelimit-remaining": "0", "x-ratelimit-reset": epoch(90) + "000"}, 90, id="milliseconds"),
        pytest.param({"x-ratelimit-remaining": "0", "x-ratelimit-reset": epoch(-90)}, 1, id="past reset"),
        pytest.param({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "abc"}, DEFAULT_PAUSE, id="no number"),
        pytest.param({"x-ratelimit-remaining": "0"}, DEFAULT_PAUSE, id="no reset"),
        pytest.param({"x-ratelimit-remaining": "0", "x-ratelimit-reset": epoch(10**6)}, MAX_RETRY_AFTER, id="far"),
        pytest.param({"x-ratelimit-remaining": "9", "x-ratelimit-reset": epoch(90)}, DEFAULT_PAUSE, id="secondary"),
        pytest.param({"retry-after": "5", "x-ratelimit-remaining": "0", "x-ratelimit-reset": epoch(90)}, 5, id="both"),
    ],
)
@pytest.mark.parametrize("skew", [0, 600, -600], ids=["", "ahead", "behind"])
def test_how_long(headers: dict[str, str], seconds: int, skew: int) -> None:
    """The server's clock is off by ``skew``, and with it every moment it names."""
    told = CaseInsensitiveDict({"Date": date(skew)})
    for name, value in headers.items():
        told[name] = _skewed(value, skew)
    error = rate_limited(told)
    assert error.retry_after == seconds
    assert error.reset_at is not None
    assert abs((error.reset_at - datetime.now(UTC)).total_seconds() - seconds) < 5


def _skewed(value: str, skew: int) -> str:
    if value.endswith("GMT"):
        moment = datetime.strptime(value, "%a, %d %b %Y %H:%M:%S GMT").replace(tzinfo=UTC)
        return format_datetime(moment + timedelta(seconds=skew), usegmt=True)
    if value.isdigit() and 10 <= len(value) <= 13:
        return str(int(value) + skew * (1000 if len(value) == 13 else 1))
    return value


@given(
    st.dictionaries(st.sampled_from(["retry-after", "date", "x-ratelimit-remaining", "x-ratelimit-reset"]), st.text())
)
def test_it_is_always_within_bounds(headers: dict[str, str]) -> None:
    assert 1 <= (rate_limited(CaseInsensitiveDict(headers)).retry_after or 0) <= MAX_RETRY_AFTER


def test_a_host_without_limits_says_nothing() -> None:
    quota = read_quota({})
    assert (quota.limit, quota.remaining, quota.reset_in) == (None, None, None)
