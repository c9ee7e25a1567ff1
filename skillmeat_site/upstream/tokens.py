"""What may be sent as a token."""

from __future__ import annotations

from skillmeat_site.upstream.errors import UpstreamAuth


def checked_token(token: str) -> str:
    """Return the token. Raises UpstreamAuth where it holds what could end a header and begin another."""
    if not token.isascii() or not token.isprintable() or " " in token:
        raise UpstreamAuth("the token holds characters that no token has")
    return token
