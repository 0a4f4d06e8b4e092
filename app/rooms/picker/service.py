"""Choosing what a course shows: the rooms' offers, the choice, and what is made of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy.orm import Session
from starlette.datastructures import FormData

import lti
from app.course.access import Person, Placer, Visitor
from app.course.copies import HISTORY
from app.course.keys import DatabaseKeys
from app.course.models import Placement, Registration, ResourceLink
from app.course.protocol import keep_ticket, registration_of, take_ticket
from app.course.services import Services
from app.kit.audit import record_event
from app.kit.clock import now
from app.kit.errors import N_, InputRefused, NotFound, WorksideError
from app.kit.i18n import Translator
from app.kit.ids import new_secret, secret_hash
from app.kit.room import PlacementKind, PlacementOption

RETURN = "deep_link"
RETURN_SECONDS = 60
POINTS = 100
MOST_POINTS = 1000
MOST_ITEMS = 50


class ChoiceExpired(WorksideError):
    """The way back to the platform was used already, or is over a minute old."""

    status = 410
    title = N_("That took too long")
    advice = N_("Nothing more was added to your course. Go back to it and choose again.")


@dataclass(frozen=True)
class Offer:
    """One kind with what there is of it."""

    kind: PlacementKind
    options: Sequence[PlacementOption]


@dataclass(frozen=True)
class Chosen:
    """One activity to be made. `points` None: it is not graded."""

    kind: PlacementKind
    title: str
    settings: Mapping[str, Any]
    points: int | None = None


@dataclass(frozen=True)
class Return:
    """What the page that posts to the platform needs."""

    url: str
    jwt: str
    policy: str
    locale: str


def offers_for(
    kinds: Iterable[PlacementKind], services: Services, session: Session, person: Person
) -> list[Offer]:
    """What the person's organisation has of each kind; kinds that it has nothing of are left out."""
    offers = [Offer(kind, kind.options(services, session, person)) for kind in kinds]
    return [offer for offer in offers if offer.options]


def find_option(
    offers: Sequence[Offer], kind_key: str, option_key: str
) -> tuple[PlacementKind, PlacementOption]:
    """The option of these keys; NotFound for any other. For a kind that is combined the key may be "all"."""
    for offer in offers:
        if offer.kind.key == kind_key:
            for option in offer.options:
                if option.key == option_key:
                    return offer.kind, option
            if offer.kind.is_combined and option_key == "all":
                return offer.kind, PlacementOption("all", "", {"collections": []})
    raise NotFound


def read_choice(
    form: FormData, offers: Sequence[Offer], translate: Translator, *, is_several: bool
) -> list[Chosen]:
    """The activities that the form asks for. InputRefused for none, for more than allowed, and for points out of range."""
    chosen: list[Chosen] = []
    for value in dict.fromkeys(str(value) for value in form.getlist("choice")):
        kind_key, _, option_key = value.partition("/")
        kind, option = find_option(offers, kind_key, option_key or "all")
        if kind.is_combined:
            parts = [
                find_option(offers, kind.key, str(key))[1]
                for key in dict.fromkeys(form.getlist(f"part/{kind.key}"))
            ]
            ids = [one for part in parts for one in part.settings["collections"]]
            names = ", ".join(part.title for part in parts)
            title = f"{translate(kind.label)}: {names}" if names else translate(kind.label)
            chosen.append(Chosen(kind, title[:500], {"collections": ids}))
        else:
            points = _points(form, value) if kind.is_graded else None
            chosen.append(Chosen(kind, option.title[:500], option.settings, points))
    if not chosen:
        raise InputRefused(N_("Choose what to add, then add it."))
    if len(chosen) > MOST_ITEMS:
        raise InputRefused(N_("Choose at most 50 activities at a time."))
    if len(chosen) > 1 and not is_several:
        raise InputRefused(N_("Choose one activity. Your course takes one at a time here."))
    return chosen


def _points(form: FormData, value: str) -> int:
    text = str(form.get(f"points/{value}", POINTS)).strip()
    if not (text.isascii() and text.isdecimal() and len(text) <= 4 and 1 <= int(text) <= MOST_POINTS):
        raise InputRefused(N_("Points are a whole number from 1 to 1,000."))
    return int(text)


def _record_placement(session: Session, person: Person, context_id: str | None, chosen: Chosen) -> Placement:
    placement = Placement(
        organisation_id=person.organisation_id,
        context_id=context_id,
        kind=chosen.kind.key,
        title=chosen.title,
        settings={**chosen.settings, **({"points": chosen.points} if chosen.points else {})},
        created_by=None if person.is_anonymous else person.user_id,
    )
    session.add(placement)
    session.flush()
    record_event(
        session,
        "placement.made",
        organisation_id=person.organisation_id,
        actor_id=placement.created_by,
        subject_kind="placement",
        subject_id=placement.id,
        kind=placement.kind,
    )
    return placement


def answer_platform(
    services: Services, placer: Placer, chosen: Sequence[Chosen], translate: Translator, **texts: str
) -> str:
    """Makes the placements and signs the answer; returns the address of the page that posts it, good once and for 60 seconds.

    Without anything chosen the answer is the valid empty one. `texts` are those of `lti.sign_response`.
    """
    with services.database.write() as session:
        registration = registration_of(
            session.get_one(Registration, placer.registration_id), demo=services.settings.demo
        )
        items = [
            _content_item(
                services, _record_placement(session, placer, placer.context_id, one), one, translate
            )
            for one in chosen
        ]
    wanted = placer.wanted
    token = lti.sign_response(
        registration,
        placer.deployment_id,
        wanted,
        lti.content_items(wanted, items),
        DatabaseKeys(services.database, services.vault).signing(),
        now(),
        **texts,
    )
    code = new_secret()
    data = {
        "url": wanted.return_url,
        "jwt": services.vault.seal(token.encode()).decode(),
        "frame_origins": list(placer.frame_origins),
        "locale": placer.locale,
    }
    keep_ticket(services.database, RETURN, secret_hash(code), data, now() + timedelta(seconds=RETURN_SECONDS))
    return f"/picker/return/{code}"


def _content_item(
    services: Services, placement: Placement, chosen: Chosen, translate: Translator
) -> lti.ContentItem:
    """The link that the platform keeps: our launch address with the placement's opaque id, also as a custom parameter, beside
    the variables by which copies of courses tell where they come from."""
    launch_url = f"{services.settings.url}/lti/launch"
    column = None
    if chosen.points is not None:
        column = lti.PlacedColumn(
            chosen.title,
            chosen.points,
            resource_id=placement.id,
            tag=chosen.kind.key,
            review_url=launch_url,
            review_label=translate("Open the learner's answer"),
        )
    return lti.ContentItem(
        chosen.title,
        f"{launch_url}?placement={placement.id}",
        {"placement": placement.id, **HISTORY},
        column=column,
    )


def take_return(services: Services, code: str) -> Return:
    """The answer behind a return code, for the first who asks; ChoiceExpired for everyone else."""
    data = take_ticket(services.database, RETURN, secret_hash(code))
    if data is None:
        raise ChoiceExpired
    token = services.vault.unseal(data["jwt"].encode()).decode()
    policy = lti.response_policy(data["url"], data["frame_origins"])
    return Return(data["url"], token, policy, data["locale"])


def choose_anew(services: Services, visitor: Visitor, chosen: Chosen) -> str:
    """Gives an activity without content some; returns the page where it begins. The first of two choosers wins."""
    with services.database.write() as session:
        link = session.get_one(ResourceLink, visitor.resource_link_id)
        if link.placement_id is None:
            link.placement_id = _record_placement(session, visitor, visitor.context_id, chosen).id
            session.flush()
    return chosen.kind.first_page(chosen.settings)
