"""Which repositories may be read, and how long that may take."""

from skillmeat_site.settings.env import env

SKILLMEAT_ALLOWED_HOSTS = env.words("SKILLMEAT_ALLOWED_HOSTS", ("github.com",))
SKILLMEAT_UPSTREAM_TIMEOUT = env.integer("SKILLMEAT_UPSTREAM_TIMEOUT", 60, minimum=1, maximum=600)
SKILLMEAT_UPSTREAM_FETCH_TIMEOUT = env.integer("SKILLMEAT_UPSTREAM_FETCH_TIMEOUT", 300, minimum=1, maximum=850)
SKILLMEAT_UPSTREAM_CONCURRENCY = env.integer("SKILLMEAT_UPSTREAM_CONCURRENCY", 4, minimum=1, maximum=50)
# Requests to an API, by all together; 0: as fast as it goes.
SKILLMEAT_UPSTREAM_PER_SECOND = env.integer("SKILLMEAT_UPSTREAM_PER_SECOND", 10, minimum=0, maximum=1000)
SKILLMEAT_MIRROR_MAX_BYTES = env.integer("SKILLMEAT_MIRROR_MAX_BYTES", 5 * 1024**3, minimum=1024**2, maximum=1024**5)
SKILLMEAT_FETCH_MAX_BYTES = env.integer("SKILLMEAT_FETCH_MAX_BYTES", 256 * 1024**2, minimum=1024**2, maximum=1024**4)
SKILLMEAT_LISTING_MAX_ENTRIES = env.integer("SKILLMEAT_LISTING_MAX_ENTRIES", 500_000, minimum=1000, maximum=10_000_000)

SKILLMEAT_GITHUB_URL = env.url("SKILLMEAT_GITHUB_URL", "https://github.com")
_GITHUB_COM = SKILLMEAT_GITHUB_URL == "https://github.com"
# Enterprise has its API below its own address. Empty where it is turned off.
SKILLMEAT_GITHUB_API_URL = env.url_or_off(
    "SKILLMEAT_GITHUB_API_URL", "https://api.github.com" if _GITHUB_COM else f"{SKILLMEAT_GITHUB_URL}/api/v3"
)
SKILLMEAT_GITHUB_GRAPHQL_URL = env.url_or_off(
    "SKILLMEAT_GITHUB_GRAPHQL_URL",
    "https://api.github.com/graphql" if _GITHUB_COM else f"{SKILLMEAT_GITHUB_URL}/api/graphql",
)
GITHUB_TIERS = ("webhook", "graphql", "rest", "git")
SKILLMEAT_GITHUB_TIERS = env.choices("SKILLMEAT_GITHUB_TIERS", GITHUB_TIERS, GITHUB_TIERS)
GITHUB_TOKEN = env.text("GITHUB_TOKEN")
# Several, for the time of a rotation. None: every delivery is refused.
SKILLMEAT_WEBHOOK_SECRET = env.words("SKILLMEAT_WEBHOOK_SECRET")
