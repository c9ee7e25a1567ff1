"""Which token reads which repository; storing tokens, and no longer using those that were refused. The one door."""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import structlog
from django.conf import settings
from django.db import DatabaseError, IntegrityError, transaction
from django.db.models import QuerySet, TextField, Value
from django.utils import timezone

from skillmeat_site.core.actor import Actor
from skillmeat_site.core.budgets import token_id
from skillmeat_site.core.errors import FieldProblem, InvalidParameter
from skillmeat_site.core.models import AuditEvent, RefusedToken, UpstreamToken
from skillmeat_site.core.secret_text import Unreadable, seal, unseal
from skillmeat_site.upstream.errors import UpstreamAuth
from skillmeat_site.upstream.policy import DEFAULT_PORTS, AccessPolicy
from skillmeat_site.upstream.tokens import checked_token
from skillmeat_site.upstream.types import RepositoryAddress

log = structlog.get_logger(__name__)

ENVIRONMENT = "GITHUB_TOKEN"
MAX_LENGTH = 1000
USE_NOTED = timedelta(minutes=10)
"""How exactly it is known when a token was last used."""
TokenFinder = Callable[[RepositoryAddress], str | None]
_HTTP = ("https://", "http://")
_REFUSED = "The host refused it (401)."
_STORED = ("name", "host", "owner", "disabled_at", "disabled_reason", "secret")
_NOTHING = Value("", output_field=TextField())
_OF_ENVIRONMENT = ("name", _NOTHING, _NOTHING, "refused_at", "reason", _NOTHING)
_OWNER = re.compile(r"[a-z0-9_.~+/-]{1,255}")
_HOST = re.compile(r"[a-z0-9.\[\]:-]{1,250}")


@dataclass(frozen=True, slots=True)
class Refusal:
    """A token that is not used any more. ``host`` is empty for the environment's.

    ``token_id`` is that of its budgets; empty where it cannot be read any more.
    """

    name: str
    host: str
    owner: str
    since: datetime
    reason: str
    token_id: str


def token_for(address: RepositoryAddress) -> str | None:
    """The token for a repository: its owner's, else its host's, else GITHUB_TOKEN for what lies on GitHub.

    At most two statements, none for what is read without http. Raises UpstreamAuth where the token for it was refused:
    nothing is asked with it again until it changes, and nothing is asked anonymously instead.
    """
    if not address.url.startswith(_HTTP):
        return None
    owners = ["", address.owner.lower()]
    rows = UpstreamToken.objects.filter(host=host_of(address.url), owner__in=owners).order_by("-owner")
    row = rows.first()  # the owner's own before the host's
    return _value(row) if row else _environment_token(address, _environment_refused)


def token_finder() -> TokenFinder:
    """``token_for`` for many repositories, by what is stored now: two statements, and one for each use that is noted.

    What it returns raises like ``token_for``.
    """
    rows = {(row.host, row.owner): row for row in UpstreamToken.objects.all()}
    refused = _environment_refused()

    def find(address: RepositoryAddress) -> str | None:
        if not address.url.startswith(_HTTP):
            return None
        host = host_of(address.url)
        row = rows.get((host, address.owner.lower())) or rows.get((host, ""))
        return _value(row) if row else _environment_token(address, lambda: refused)

    return find


def name_of(token: str) -> str:
    """What people call a token: GITHUB_TOKEN, or the name it is stored under; empty for one that is gone."""
    if not token or _is_environments(token):
        return ENVIRONMENT if token else ""
    return next((row.name for row in UpstreamToken.objects.all() if _is(row, token)), "")


def host_of(url: str) -> str:
    """The host of a canonical URL, spelled as tokens are stored."""
    parts = urlsplit(url)
    return f"http://{parts.netloc}" if parts.scheme == "http" else parts.netloc


def store_token(*, name: str, host: str, value: str, actor: Actor, owner: str = "") -> UpstreamToken:
    """Keep a token, encrypted. Raises InvalidParameter: no host, no owner, no token, or there is one for them."""
    columns = _columns({"name": name, "host": host, "owner": owner, "value": value})
    return _written(UpstreamToken(created_by_id=actor.user_id, **columns), "upstream_token.stored", actor, {})


def change_token(row: UpstreamToken, *, actor: Actor, changes: Mapping[str, Any]) -> UpstreamToken:
    """Change ``name``, ``host``, ``owner`` or ``value``; with another value a refused token is used again.

    Raises like ``store_token``.
    """
    columns = _columns(changes)
    if "secret" in columns:
        columns |= {"disabled_at": None, "disabled_reason": ""}
    for column, value in columns.items():
        setattr(row, column, value)
    return _written(row, "upstream_token.changed", actor, {"fields": sorted(changes)})


def remove_token(row: UpstreamToken, *, actor: Actor) -> None:
    with transaction.atomic():
        AuditEvent.record(actor, "upstream_token.removed", row, host=row.host, owner=row.owner)
        row.delete()


def forget_refusal(row: RefusedToken, *, actor: Actor) -> None:
    """Use a token of the environment again that was refused once."""
    with transaction.atomic():
        AuditEvent.record(actor, "upstream_token.used_again", row)
        row.delete()


def note_refused(token: str) -> None:
    """A host answered that it does not know this token: no longer use it. Never raises for the database's sake."""
    try:
        _disable(token)
    except DatabaseError as error:
        log.warning("token.refusal_not_noted", exc_info=error)


def refusals() -> list[Refusal]:
    """The tokens that would be used, had they not been refused: for people, without their values. One statement.

    The environment's stands last.
    """
    stored = UpstreamToken.objects.exclude(disabled_at=None).order_by().values_list(*_STORED)
    rows = stored.union(_environment_refusals().order_by().values_list(*_OF_ENVIRONMENT), all=True)
    found = [
        Refusal(name, host, owner, since, reason, _id_of(secret) if host else token_id(settings.GITHUB_TOKEN))
        for name, host, owner, since, reason, secret in rows
    ]
    return sorted(found, key=lambda one: (not one.host, one.host, one.owner))


def _value(row: UpstreamToken) -> str:
    if row.disabled_at is not None:
        raise UpstreamAuth(f"the token {row.name!r} is disabled: {row.disabled_reason} Nothing was asked")
    try:
        value = unseal(row.secret)
    except Unreadable:
        raise UpstreamAuth(f"the token {row.name!r} was stored under another SECRET_KEY: enter it again") from None
    now = timezone.now()
    if row.last_used_at is None or now - row.last_used_at > USE_NOTED:
        UpstreamToken.objects.filter(pk=row.pk).update(last_used_at=now)
        row.last_used_at = now
    return value


def _environment_token(address: RepositoryAddress, is_refused: Callable[[], bool]) -> str | None:
    token: str = settings.GITHUB_TOKEN
    if not token or not AccessPolicy(github_url=settings.SKILLMEAT_GITHUB_URL).is_github(address):
        return None
    if is_refused():
        raise UpstreamAuth(f"{ENVIRONMENT} was refused before: set another one. Nothing was asked")
    return token


def _environment_refused() -> bool:
    return bool(settings.GITHUB_TOKEN) and _environment_refusals().exists()


def _environment_refusals() -> QuerySet[RefusedToken]:
    """The one that there may be."""
    return RefusedToken.objects.filter(digest=_digest(settings.GITHUB_TOKEN or ""))


def _digest(token: str) -> str:
    """Keyed, so that a copy of the database does not confirm a guess."""
    return hmac.new(settings.SECRET_KEY.encode(), token.encode(), "sha256").hexdigest()


def _disable(token: str) -> None:
    now = timezone.now()
    for row in UpstreamToken.objects.filter(disabled_at=None):
        if _is(row, token):
            UpstreamToken.objects.filter(pk=row.pk, secret=row.secret).update(
                disabled_at=now, disabled_reason=_REFUSED
            )
            log.error("token.refused", token=row.name, host=row.host, owner=row.owner)
    if _is_environments(token):
        told = {"name": ENVIRONMENT, "reason": _REFUSED, "refused_at": now}
        RefusedToken.objects.get_or_create(digest=_digest(token), defaults=told)
        log.error("token.refused", token=ENVIRONMENT)


def _is_environments(token: str) -> bool:
    return bool(settings.GITHUB_TOKEN) and hmac.compare_digest(token.encode(), settings.GITHUB_TOKEN.encode())


def _id_of(secret: str) -> str:
    try:
        return token_id(unseal(secret))
    except Unreadable:
        return ""


def _is(row: UpstreamToken, token: str) -> bool:
    try:
        return hmac.compare_digest(unseal(row.secret).encode(), token.encode())
    except Unreadable:
        return False


def _written(row: UpstreamToken, action: str, actor: Actor, data: Mapping[str, Any]) -> UpstreamToken:
    try:
        with transaction.atomic():
            row.save()
            AuditEvent.record(actor, action, row, host=row.host, owner=row.owner, **data)
    except IntegrityError:
        raise _invalid("host", "there is a token for this host and owner: change that one") from None
    return row


def _columns(said: Mapping[str, Any]) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    if "name" in said:
        columns["name"] = str(said["name"]).strip()
        if not columns["name"]:
            raise _invalid("name", "give it a name")
    if "host" in said:
        columns["host"] = _host(str(said["host"]))
    if "owner" in said:
        columns["owner"] = str(said["owner"]).strip().strip("/").lower()
        if columns["owner"] and not _OWNER.fullmatch(columns["owner"]):
            raise _invalid("owner", "is a user or an organization, as in owner/name")
    if "value" in said:
        columns |= {"secret": seal(_checked(str(said["value"]))), "changed_at": timezone.now()}
    return columns


def _host(text: str) -> str:
    """Spelled as ``host_of`` does."""
    wanted = text.strip().lower().rstrip("/")
    scheme, separator, netloc = wanted.rpartition("://")
    scheme = scheme if separator else "https"
    try:
        port = urlsplit(f"//{netloc}").port
    except ValueError:
        netloc, port = "", None
    if scheme not in ("https", "http") or not _HOST.fullmatch(netloc):
        raise _invalid("host", "must be host, host:port or http://host:port")
    if port == DEFAULT_PORTS[scheme]:
        netloc = netloc.removesuffix(f":{port}")
    return f"http://{netloc}" if scheme == "http" else netloc


def _checked(value: str) -> str:
    token = value.strip()
    if not token or len(token) > MAX_LENGTH:
        raise _invalid("value", f"must be a token of at most {MAX_LENGTH} characters")
    try:
        return checked_token(token)
    except UpstreamAuth:
        raise _invalid("value", "holds characters that no token has") from None


def _invalid(field: str, detail: str) -> InvalidParameter:
    return InvalidParameter(f"{field}: {detail}", errors=(FieldProblem(f"/{field}", "invalid", detail),))
