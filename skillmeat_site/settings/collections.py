"""How large artifacts may be, and how many snapshots stay."""

from skillmeat_site.settings.env import env

SKILLMEAT_ARTIFACT_MAX_FILES = env.integer("SKILLMEAT_ARTIFACT_MAX_FILES", 5_000, minimum=1, maximum=100_000)
SKILLMEAT_ARTIFACT_MAX_BYTES = env.integer(
    "SKILLMEAT_ARTIFACT_MAX_BYTES", 100 * 1024**2, minimum=1024, maximum=10 * 1024**3
)
SKILLMEAT_ARTIFACT_MAX_DEPTH = env.integer("SKILLMEAT_ARTIFACT_MAX_DEPTH", 32, minimum=1, maximum=100)
SKILLMEAT_SNAPSHOT_KEEP = env.integer("SKILLMEAT_SNAPSHOT_KEEP", 50, minimum=1, maximum=100_000)
