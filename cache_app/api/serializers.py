"""Shapes of the project cache."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from cache_app.domain.readings import ChangeKind
from collections_app.api.deploy_serializers import ProjectField
from skillmeat_site.core.api.serializers import Strict

CHANGES = [kind.value for kind in ChangeKind]


class DiscoverRequest(Strict):
    dry_run = serializers.BooleanField(required=False, default=False)


class CacheRefreshRequest(Strict):
    """``project_id``: an id, or the path of a registered project; without it all are meant."""

    project_id = ProjectField(max_length=1000, required=False, allow_null=True, default=None)
    force = serializers.BooleanField(required=False, default=False)
    dry_run = serializers.BooleanField(required=False, default=False)


class UnreadableSerializer(serializers.Serializer[Any]):
    project = serializers.IntegerField(allow_null=True)
    path = serializers.CharField()
    code = serializers.CharField()
    detail = serializers.CharField()


class DiscoveryStatsSerializer(serializers.Serializer[Any]):
    """``cache_ttl`` and ``age_seconds`` in seconds."""

    entries = serializers.IntegerField()
    last_scan = serializers.DateTimeField(allow_null=True)
    cache_ttl = serializers.IntegerField()
    is_valid = serializers.BooleanField()  # type: ignore[assignment]
    age_seconds = serializers.IntegerField(allow_null=True)


class DiscoverySerializer(serializers.Serializer[Any]):
    success = serializers.BooleanField()
    added = serializers.IntegerField()
    removed = serializers.IntegerField()
    changed = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    errors = UnreadableSerializer(many=True)  # type: ignore[assignment]
    stats = DiscoveryStatsSerializer()
    dry_run = serializers.BooleanField(required=False)


class ProjectChangeSerializer(serializers.Serializer[Any]):
    project = serializers.IntegerField()
    type = serializers.CharField()
    name = serializers.CharField()
    change = serializers.ChoiceField(choices=CHANGES)


class CacheRefreshSerializer(serializers.Serializer[Any]):
    """``changes_detected`` is the length of ``changes``."""

    success = serializers.BooleanField()
    projects_refreshed = serializers.IntegerField()
    changes_detected = serializers.IntegerField()
    changes = ProjectChangeSerializer(many=True)
    errors = UnreadableSerializer(many=True)  # type: ignore[assignment]
    duration_seconds = serializers.FloatField()
    dry_run = serializers.BooleanField(required=False)


class RefreshJobStatusSerializer(serializers.Serializer[Any]):
    is_running = serializers.BooleanField()
    last_run_time = serializers.DateTimeField(allow_null=True)
    next_run_time = serializers.DateTimeField(allow_null=True)
    interval_hours = serializers.FloatField()
    max_concurrent = serializers.IntegerField()


class CacheStatusSerializer(serializers.Serializer[Any]):
    """``types`` and ``states`` count artifacts in projects."""

    total_projects = serializers.IntegerField()
    stale_projects = serializers.IntegerField()
    error_projects = serializers.IntegerField()
    total_artifacts = serializers.IntegerField()
    outdated_artifacts = serializers.IntegerField()
    types = serializers.DictField(child=serializers.IntegerField())
    states = serializers.DictField(child=serializers.IntegerField())
    oldest_entry = serializers.DateTimeField(allow_null=True)
    newest_entry = serializers.DateTimeField(allow_null=True)
    last_refresh = serializers.DateTimeField(allow_null=True)
    cache_ttl = serializers.IntegerField()
    refresh_job_status = RefreshJobStatusSerializer()
    discovery = DiscoveryStatsSerializer()
