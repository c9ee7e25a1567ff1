"""What a person may say of an artifact: a pin, tags, a title. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from collections_app.domain.manifest import ArtifactRecord
from skillmeat_site.core.errors import FieldProblem, InvalidParameter
from skillmeat_site.core.tags import MAX_TAGS, clean_tags
from skillmeat_site.core.text import storable
from skillmeat_site.upstream.errors import InvalidRef
from skillmeat_site.upstream.refs import validate_ref

MAX_PIN_REASON = 500
MAX_TITLE = 300
USERS_FIELDS = "user_fields"
"""The key of a record under which stand the fields that its user has set: no refresh writes them any more."""


@dataclass(frozen=True, slots=True)
class ArtifactEdit:
    """None leaves a thing as it is. ``pin`` "": not pinned, and no reason. ``tags`` replaces all tags."""

    pin: str | None = None
    pin_reason: str | None = None
    tags: tuple[str, ...] | None = None
    add_tags: tuple[str, ...] = ()
    remove_tags: tuple[str, ...] = ()
    title: str | None = None

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> ArtifactEdit:
        """Check and normalise what was said. Raises InvalidParameter, InvalidRef for a pin that is no ref."""
        pin, reason, title = (_text(said.get(name)) for name in ("pin", "pin_reason", "title"))
        if pin:
            pin = _ref(pin)
        if reason is not None and len(reason) > MAX_PIN_REASON:
            raise _invalid("pin_reason", f"must be at most {MAX_PIN_REASON} characters")
        if reason and pin == "":
            raise _invalid("pin_reason", "without a pin there is no reason for one")
        if title is not None and (len(title) > MAX_TITLE or "\n" in title):
            raise _invalid("title", f"must be one line of at most {MAX_TITLE} characters")
        tags = said.get("tags")
        return cls(
            pin=pin,
            pin_reason=reason,
            tags=None if tags is None else _words(tags),
            add_tags=tuple(clean_tags(said.get("add_tags") or (), field="add_tags")),
            remove_tags=_words(said.get("remove_tags") or ()),
            title=title,
        )

    def apply(self, record: ArtifactRecord) -> ArtifactRecord:
        """The record as it is to be; equal to ``record`` where nothing changes.

        Raises InvalidParameter: tags that are none (but those that stand there stay as they are), too many of them, a
        reason without a pin.
        """
        pin, reason = self._pin(record)
        edited = replace(record, pin=pin, pin_reason=reason, tags=self._tags(record), metadata=self._metadata(record))
        said = {"title"} if self.title is not None else set()
        if self.tags is not None or edited.tags != record.tags:
            said.add("tags")
        users = users_fields(record) | said
        if users != users_fields(record):
            edited = replace(edited, extra={**record.extra, USERS_FIELDS: sorted(users)})
        return edited

    def _pin(self, record: ArtifactRecord) -> tuple[str | None, str | None]:
        if self.pin == "":
            return None, None
        pin = self.pin or record.pin
        # The reason for another pin is no reason for this one.
        old = record.pin_reason if pin == record.pin else None
        reason = old if self.pin_reason is None else self.pin_reason or None
        if reason and not pin:
            raise _invalid("pin_reason", "without a pin there is no reason for one")
        return pin, reason

    def _tags(self, record: ArtifactRecord) -> tuple[str, ...]:
        wanted = record.tags if self.tags is None else self.tags
        known = {tag.strip().lower(): tag for tag in record.tags}
        shown = [known.get(tag.strip().lower()) or clean_tags([tag])[0] for tag in wanted]
        gone = {tag.strip().lower() for tag in self.remove_tags}
        added = [known.get(tag, tag) for tag in self.add_tags]
        tags = tuple(tag for tag in dict.fromkeys((*shown, *added)) if tag.strip().lower() not in gone)
        if len(tags) > max(MAX_TAGS, len(record.tags)):
            raise _invalid("tags", f"an artifact has at most {MAX_TAGS} tags")
        return tags

    def _metadata(self, record: ArtifactRecord) -> Mapping[str, Any]:
        if self.title is None or self.title == record.metadata.get("title", ""):
            return record.metadata
        rest = {name: value for name, value in record.metadata.items() if name != "title"}
        return {**rest, "title": self.title} if self.title else rest


def users_fields(record: ArtifactRecord) -> frozenset[str]:
    """The fields that a person has set through one of our faces."""
    told = record.extra.get(USERS_FIELDS)
    return frozenset(str(name) for name in told) if isinstance(told, list | tuple) else frozenset()


def _text(value: str | None) -> str | None:
    return None if value is None else storable(value).strip()


def _ref(pin: str) -> str:
    try:
        ref = validate_ref(pin)
    except InvalidRef as error:
        raise InvalidRef(error.detail, errors=(FieldProblem("/pin", error.code, error.detail),)) from None
    if not ref:
        raise _invalid("pin", "must be a commit, a tag or a branch: HEAD pins nothing")
    return ref


def _words(tags: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(storable(str(tag)) for tag in tags))


def _invalid(field: str, detail: str) -> InvalidParameter:
    return InvalidParameter(f"{field}: {detail}", errors=(FieldProblem(f"/{field}", "invalid", detail),))
