"""Whether a source's catalog is what a scan of its known commit would make."""

from __future__ import annotations

from marketplace.domain.detector import detection_key
from marketplace.domain.types import ArtifactType, DetectionOptions
from marketplace.models import Source
from marketplace.services.scan_record import NO_ANSWER


def detection_options(source: Source) -> DetectionOptions:
    return DetectionOptions(
        root_hint=source.root_hint,
        manual_map={path: ArtifactType(type_) for path, type_ in source.manual_map.items()},
        single_artifact_type=ArtifactType(source.single_artifact_type) if source.single_artifact_type else None,
        repository_name=source.name,
    )


def was_well_scanned(source: Source) -> bool:
    """True if an equal commit or tree means an equal catalog: same rules, complete listing, no failure since.

    That its host did not answer is no failure of a scan: after an outage nothing is read that has not changed.
    """
    return (
        bool(source.head_commit)
        and source.detection_key == detection_key(detection_options(source))
        and source.listing_complete
        and source.last_error_code in ("", *NO_ANSWER)
    )
