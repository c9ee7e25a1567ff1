"""How current the project cache is kept, and which running server a command tells of its changes."""

from skillmeat_site.settings.env import env

SKILLMEAT_CACHE_TTL_MINUTES = env.integer("SKILLMEAT_CACHE_TTL_MINUTES", 360, minimum=0, maximum=525_600)
SKILLMEAT_REFRESH_INTERVAL_HOURS = env.number("SKILLMEAT_REFRESH_INTERVAL_HOURS", 6.0, minimum=0.05, maximum=720)
SKILLMEAT_REFRESH_MAX_CONCURRENT = env.integer("SKILLMEAT_REFRESH_MAX_CONCURRENT", 3, minimum=1, maximum=64)

SKILLMEAT_API_URL = env.url("SKILLMEAT_API_URL", "")
SKILLMEAT_API_TOKEN = env.text("SKILLMEAT_API_TOKEN")
