"""Platform notices: each is written down once when it comes, and worked on afterwards; handlers are registered by a job."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

import lti
from app.course.copies import record_copy
from app.course.models import Context, Deployment, NoticeService, PlatformNotice, Registration
from app.course.protocol import registration_of
from app.course.services import Services
from app.kit.audit import record_event
from app.kit.clock import now
from app.kit.ids import new_id
from app.kit.jobs import OWNER, LeaseTest, claim_row, free_leases
from app.kit.log import get_logger
from lti.notices import CONTEXT_COPY, HELLO_WORLD

log = get_logger("notices")

LEASE = timedelta(minutes=2)
MOST_TRIES = 5
# Long enough to know a notice that comes again; the copies themselves are kept with their courses.
KEPT = timedelta(days=90)
# What waits for the job at once, for one deployment: courses are not copied by the thousand within seconds.
MOST_WAITING = 1_000
FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=6)
AFTER_A_REFUSAL = timedelta(days=7)
LONGEST_REASON = 500


def record_notices(services: Services, notices: Sequence[lti.Notice]) -> None:
    """Writes verified notices down, each once, however often it is sent; then wakes the job."""
    for notice in notices:
        with services.database.write() as session:
            deployment = session.scalars(
                select(Deployment).where(
                    Deployment.registration_id == notice.registration_id,
                    Deployment.deployment_id == notice.deployment_id,
                )
            ).one_or_none()
            if deployment is None or _is_known(session, deployment.id, notice.id):
                continue
            if _is_flooded(session, deployment.id):
                log.warning("notices_flood", deployment=deployment.id)
                continue
            try:
                with session.begin_nested():
                    session.add(
                        PlatformNotice(
                            deployment_id=deployment.id,
                            notice_id=notice.id,
                            type=notice.type,
                            data=_kept_of(notice),
                        )
                    )
            except IntegrityError:
                log.info("notice_taken_elsewhere")
    services.wake()


def _kept_of(notice: lti.Notice) -> dict[str, object]:
    """Of a course's copy the courses, of everything else nothing."""
    if notice.type != CONTEXT_COPY or notice.context is None:
        return {}
    return {
        "context": notice.context.id,
        "title": notice.context.title or notice.context.label,
        "origins": list(notice.origins),
    }


def _is_known(session: Session, deployment_id: str, notice_id: str) -> bool:
    row = PlatformNotice
    known = select(row.id).where(row.deployment_id == deployment_id, row.notice_id == notice_id)
    return session.scalar(known) is not None


def _is_flooded(session: Session, deployment_id: str) -> bool:
    row = PlatformNotice
    waiting = (
        select(func.count())
        .select_from(row)
        .where(row.deployment_id == deployment_id, row.state == "waiting")
    )
    return (session.scalar(waiting) or 0) >= MOST_WAITING


def work_next_notice(services: Services) -> bool:
    """Does what one notice asks for; doing it twice is harmless."""
    moment, lease = now(), f"{OWNER}:{new_id()[-8:]}"
    with services.database.write() as session:
        due = (
            select(PlatformNotice)
            .where(PlatformNotice.state == "waiting", PlatformNotice.due_at <= moment)
            .order_by(PlatformNotice.due_at)
        )
        notice: PlatformNotice | None = claim_row(session, due, PlatformNotice, lease, LEASE)
        if notice is None:
            return False
        session.execute(delete(PlatformNotice).where(PlatformNotice.received_at < moment - KEPT))
        notice.tries += 1
        number = notice.tries
    state, reason = "waiting", ""
    try:
        with services.database.write() as session:
            state, reason = _worked(session, session.get_one(PlatformNotice, notice.id))
    except Exception as error:
        log.error("notice_failed", notice=notice.id, kind=type(error).__name__, exc_info=error)
        state, reason = ("failed" if number >= MOST_TRIES else "waiting"), type(error).__name__
    with services.database.write() as session:
        row = session.get_one(PlatformNotice, notice.id)
        if row.lease_owner == lease:
            row.lease_owner = row.lease_until = None
            row.state, row.reason = state, reason[:LONGEST_REASON]
            row.due_at = now() + FIRST_PAUSE * number
    return True


def _worked(session: Session, notice: PlatformNotice) -> tuple[str, str]:
    """(state, reason) after the work."""
    if notice.type == HELLO_WORLD:
        return "done", ""
    if notice.type != CONTEXT_COPY:
        return "ignored", "Workside does nothing with notices of this type"
    lti_id = notice.data.get("context")
    if not isinstance(lti_id, str):
        return "ignored", "the notice names no course"
    deployment = session.get_one(Deployment, notice.deployment_id)
    context = session.scalars(
        select(Context).where(Context.deployment_id == deployment.id, Context.lti_id == lti_id)
    ).one_or_none()
    if context is None:
        # Told before anybody opened the copy: its first launch then finds what it is a copy of.
        context = Context(
            deployment_id=deployment.id,
            organisation_id=deployment.organisation_id,
            lti_id=lti_id,
            title=notice.data.get("title"),
        )
        session.add(context)
        session.flush()
    origin = record_copy(session, context, [str(one) for one in notice.data.get("origins", [])])
    record_event(
        session,
        "context.copied",
        organisation_id=deployment.organisation_id,
        actor_id=None,
        subject_kind="context",
        subject_id=context.id,
        origin=origin.id if origin else None,
    )
    return "done", "" if origin else "none of the courses that it was copied from is known here"


def free_notices(services: Services, is_nobodys: LeaseTest) -> int:
    """Ends the leases on notices and notice services that `is_nobodys` says are nobody's."""
    with services.database.write() as session:
        return free_leases(session, PlatformNotice, is_nobodys) + free_leases(
            session, NoticeService, is_nobodys
        )


# --- our handlers -----------------------------------------------------------------------------------------------------


def handler_of(services: Services) -> str:
    """Where platforms send notices: on our own origin, which Canvas compares with the tool's domain."""
    return services.settings.url.rstrip("/") + "/lti/notices"


def record_notice_service(session: Session, deployment: Deployment, launch: lti.Launch, handler: str) -> None:
    """Notes where this deployment takes handlers of ours; without the claim, nothing."""
    if launch.notices is None:
        return
    service = session.scalars(
        select(NoticeService).where(NoticeService.deployment_id == deployment.id)
    ).one_or_none()
    types = sorted(launch.notices.types)
    if service is None:
        session.add(NoticeService(deployment_id=deployment.id, url=launch.notices.url, types=types))
    elif service.url != launch.notices.url or service.types != types:
        if service.url != launch.notices.url:
            service.handlers = {}
        service.url, service.types = launch.notices.url, types
        service.due_at, service.tries, service.reason = now(), 0, ""
    elif service.due_at is None and any(known != handler for known in service.handlers.values()):
        service.due_at = now()  # this installation has moved to another address
    session.flush()


def register_next_handlers(services: Services) -> bool:
    """Tells one platform where its notices go: one handler a type, those that it does not know yet."""
    moment, lease = now(), f"{OWNER}:{new_id()[-8:]}"
    handler = handler_of(services)
    with services.database.write() as session:
        in_use = (
            select(Deployment.id)
            .join(Registration, Registration.id == Deployment.registration_id)
            .where(Deployment.status == "active", Registration.status == "active")
        )
        due = (
            select(NoticeService)
            .where(NoticeService.due_at <= moment, NoticeService.deployment_id.in_(in_use))
            .order_by(NoticeService.due_at)
        )
        service: NoticeService | None = claim_row(session, due, NoticeService, lease, LEASE)
        if service is None:
            return False
        row = session.scalars(
            select(Registration)
            .join(Deployment, Deployment.registration_id == Registration.id)
            .where(Deployment.id == service.deployment_id)
        ).one()
        registration = registration_of(row, demo=services.settings.demo)
    known, reason, pause = dict(service.handlers), "", None
    for kind in lti.wanted_types(lti.NoticeService(service.url, tuple(service.types))):
        if known.get(kind) == handler:
            continue
        try:
            lti.register_handler(services.platform, registration, service.url, kind, handler)
            known[kind] = handler
        except (lti.ServiceUnavailable, lti.TokenUnavailable) as error:
            reason = str(error)
            pause = max(
                min(FIRST_PAUSE * 2 ** min(service.tries, 20), LONGEST_PAUSE),
                timedelta(seconds=error.after_seconds or 0),
            )
            break
        except lti.LtiError as error:
            # One type may be refused and the other taken.
            reason, pause = str(error) or error.reason, AFTER_A_REFUSAL
    with services.database.write() as session:
        held = session.get_one(NoticeService, service.id)
        if held.lease_owner == lease:
            held.lease_owner = held.lease_until = None
            held.handlers, held.reason = known, reason[:LONGEST_REASON]
            held.tries = held.tries + 1 if pause is not None else 0
            held.due_at = now() + pause if pause is not None else None
    if reason:
        log.warning("notice_handler_refused", service=service.id)
    return True
