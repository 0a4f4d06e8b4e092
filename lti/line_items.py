"""Gradebook columns: find ours, make one only where that is allowed, never touch another's (AGS 2.0, 3.2)."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pylti1p3.lineitem import LineItem as LibraryLineItem

from lti.claims import LINEITEM_READ_SCOPE, LINEITEM_SCOPE, optional_url
from lti.errors import GradingUnavailable, ServiceAddressRefused, ServiceRefused, ServiceUnavailable
from lti.message import AgsEndpoint
from lti.registration import Registration, origin_of
from lti.services import Services

LINE_ITEM_TYPE = "application/vnd.ims.lis.v2.lineitem+json"
LINE_ITEMS_TYPE = "application/vnd.ims.lis.v2.lineitemcontainer+json"


@dataclass(frozen=True)
class LineItem:
    """A column as the platform describes it. `url` is its id, kept verbatim; `as_read` the whole object, for changing it."""

    url: str
    label: str | None = None
    score_maximum: float | None = None
    resource_id: str | None = None
    tag: str | None = None
    resource_link_id: str | None = None
    as_read: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True)
class Wanted:
    """The column we look for or make. `resource_id` and `tag` are ours and together name it within the resource link."""

    label: str
    score_maximum: float
    resource_id: str
    tag: str
    resource_link_id: str | None = None

    def __post_init__(self) -> None:
        if (
            not self.label
            or not self.resource_id
            or not math.isfinite(self.score_maximum)
            or self.score_maximum <= 0
        ):
            raise ValueError("a line item has a label, a resource id and a maximum above 0")


def line_items(services: Services, registration: Registration, endpoint: AgsEndpoint) -> Iterator[LineItem]:
    """Every column of the container that we may see. Raises LtiError, GradingUnavailable where there is no container."""
    if endpoint.lineitems is None or not endpoint.can_read_line_items:
        raise GradingUnavailable("no line item container, or no scope to read it")
    for page in services.pages(
        registration,
        endpoint.lineitems,
        scopes=endpoint.scopes,
        needs=LINEITEM_READ_SCOPE,
        origins=endpoint.origins,
        accept=LINE_ITEMS_TYPE,
    ):
        for item in page:
            read = _line_item(item)
            # A column on another host would lead our token away (case 86).
            if read is not None and origin_of(read.url) == origin_of(endpoint.lineitems):
                yield read


def find_line_item(
    services: Services,
    registration: Registration,
    endpoint: AgsEndpoint,
    *,
    resource_link_id: str | None = None,
    resource_id: str | None = None,
    tag: str | None = None,
) -> LineItem | None:
    """The column that fits everything given, or None. Filtered here: the query's filters are not everywhere honoured.

    A column without a resource link fits any, since unbound columns are found by our own ids alone. With only a resource
    link given, it must be that link's only column: of two, nobody can tell which is meant.
    """
    drop = registration.quirks.strips_from_ids
    wanted = {"resource_id": _without(resource_id, drop), "tag": _without(tag, drop)}
    found = [
        item
        for item in line_items(services, registration, endpoint)
        if all(value is None or getattr(item, name) == value for name, value in wanted.items())
        and (resource_link_id is None or item.resource_link_id in {resource_link_id, None})
    ]
    if resource_link_id is not None:
        found.sort(key=lambda item: item.resource_link_id is None)
        if resource_id is None and tag is None:
            bound = [item for item in found if item.resource_link_id == resource_link_id]
            return bound[0] if len(bound) == 1 else None
    return found[0] if found else None


def ensure_line_item(
    services: Services, registration: Registration, endpoint: AgsEndpoint, wanted: Wanted
) -> tuple[LineItem, bool]:
    """The wanted column and whether it was made now. Looks first, makes one only with the lineitem scope (cases 94, 96).

    After an answer that never came it looks again before anybody makes another. Raises GradingUnavailable where there is
    none and none may be made, else LtiError (ServiceUnavailable: call again, it is idempotent).
    """
    identity = {
        "resource_link_id": wanted.resource_link_id,
        "resource_id": wanted.resource_id,
        "tag": wanted.tag,
    }
    found = find_line_item(services, registration, endpoint, **identity)
    if found is not None:
        return found, False
    if not endpoint.can_create_line_items or endpoint.lineitems is None:
        raise GradingUnavailable("there is no column and no scope to make one")
    label = wanted.label
    if registration.quirks.label_takes_over:
        # Sakai would hand us the teacher's own column of that name.
        taken = {item.label for item in line_items(services, registration, endpoint)}
        label = next(name for name in _names(label) if name not in taken)
    try:
        answer = services.call(
            registration,
            "POST",
            endpoint.lineitems,
            scopes=endpoint.scopes,
            needs=LINEITEM_SCOPE,
            origins=endpoint.origins,
            accept=LINE_ITEM_TYPE,
            content_type=LINE_ITEM_TYPE,
            content=_body(wanted, label, registration.quirks.strips_from_ids),
        )
        made = _line_item(services.read(registration, answer))
    except ServiceUnavailable:
        found = find_line_item(services, registration, endpoint, **identity)
        if found is None:
            raise
        return found, True
    if made is None:
        made = find_line_item(services, registration, endpoint, **identity)
    if made is None:
        raise ServiceUnavailable("the platform made a line item and shows none")
    if origin_of(made.url) != origin_of(endpoint.lineitems):
        raise ServiceAddressRefused("the new line item is on another host")
    return made, True


def read_line_item(
    services: Services, registration: Registration, endpoint: AgsEndpoint, url: str
) -> LineItem | None:
    """One column by its URL; None where it is gone."""
    answer = services.call(
        registration,
        "GET",
        url,
        scopes=endpoint.scopes,
        needs=LINEITEM_READ_SCOPE,
        origins=endpoint.origins,
        accept=LINE_ITEM_TYPE,
    )
    if answer.status in {404, 410}:
        return None
    return _line_item(services.read(registration, answer))


def change_line_item(
    services: Services,
    registration: Registration,
    endpoint: AgsEndpoint,
    item: LineItem,
    **changes: str | float,
) -> LineItem:
    """Writes the whole column as last read, with `label` or `scoreMaximum` changed: PUT forgets what is left out (case 97)."""
    if not {"label", "scoreMaximum"}.issuperset(changes):
        raise ValueError("only label and scoreMaximum change")
    answer = services.call(
        registration,
        "PUT",
        item.url,
        scopes=endpoint.scopes,
        needs=LINEITEM_SCOPE,
        origins=endpoint.origins,
        accept=LINE_ITEM_TYPE,
        content_type=LINE_ITEM_TYPE,
        content=json.dumps({**item.as_read, **changes}).encode(),
    )
    return _line_item(services.read(registration, answer)) or item


def delete_line_item(
    services: Services, registration: Registration, endpoint: AgsEndpoint, url: str, *, is_ours: bool
) -> None:
    """Deletes a column that we made; gone already is as good. Raises ValueError for another's, ServiceRefused where it can't."""
    if not is_ours:
        raise ValueError("a column that we did not make is never deleted")
    if not registration.quirks.can_delete_line_items:
        raise ServiceRefused(403, "this platform deletes no line items")
    answer = services.call(
        registration,
        "DELETE",
        url,
        scopes=endpoint.scopes,
        needs=LINEITEM_SCOPE,
        origins=endpoint.origins,
    )
    if answer.status not in {404, 410}:
        if 200 <= answer.status < 300:
            return
        services.read(registration, answer)


def _line_item(item: object) -> LineItem | None:
    if not isinstance(item, dict) or optional_url(item.get("id")) is None:
        return None
    maximum = item.get("scoreMaximum")

    def text(name: str) -> str | None:
        value = item.get(name)
        return value if isinstance(value, str) and value else None

    return LineItem(
        item["id"],
        text("label"),
        float(maximum) if isinstance(maximum, (int, float)) and not isinstance(maximum, bool) else None,
        text("resourceId"),
        text("tag"),
        text("resourceLinkId"),
        item,
    )


def _body(wanted: Wanted, label: str, drop: str) -> bytes:
    item = LibraryLineItem()
    item.set_label(label)
    item.set_score_maximum(wanted.score_maximum)
    item.set_resource_id(_without(wanted.resource_id, drop) or "")
    item.set_tag(_without(wanted.tag, drop) or "")
    if wanted.resource_link_id is not None:
        item.set_resource_link_id(wanted.resource_link_id)
    body: str = item.get_value()
    return body.encode()


def _without(text: str | None, drop: str) -> str | None:
    return None if text is None else text.translate({ord(character): None for character in drop})


def _names(label: str) -> Iterator[str]:
    yield label
    number = 2
    while True:
        yield f"{label} ({number})"
        number += 1
