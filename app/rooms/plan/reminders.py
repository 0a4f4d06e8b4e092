"""Reminders by e-mail at a plan's check-ins: to the address that the learner gave, since they said yes, without a word of the plan.

The check-in's row is the queue: the job claims one that is due, puts its mail in line and marks it in one transaction.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.coach.expert_links import mail_server
from app.coach.plan_models import ActionPlan, CheckIn, PlanReminder
from app.coach.plans import OPEN, WAITING, mail_key, waiting_check_ins
from app.course.access import Visitor
from app.course.models import Context, Deployment, Membership, Registration
from app.course.services import Services
from app.kit.audit import record_event
from app.kit.clock import now
from app.kit.errors import N_, InputRefused, NotFound
from app.kit.i18n import Translator
from app.kit.ids import new_id
from app.kit.jobs import OWNER, LeaseTest, claim_row, free_leases
from app.kit.log import get_logger
from app.kit.mail import cancel_mail, check_address, queue_mail

log = get_logger("plans")

LEASE = timedelta(minutes=1)
# A reminder later than this says nothing that the first page does not.
STALE = timedelta(days=3)
_SUBJECT = N_("A check-in waits for you in Workside")
_BODY = N_(
    "Hello,\n\nyou asked to be reminded of a plan that you made in the course “%(course)s”. Its check-in is due today: two taps "
    "and one sentence.\n\nOpen Workside from your course; the check-in stands on its first page.\n\nYou get this mail since "
    "this address was given there. To stop these mails, open the plan and press “Stop the mails”. If it was not you, "
    "delete this mail: it says nothing about anybody."
)


def begin_reminders(
    services: Services,
    session: Session,
    visitor: Visitor,
    plan: ActionPlan,
    *,
    address: str,
    has_agreed: bool,
) -> None:
    """From now on a mail goes out at each check-in of the plan. InputRefused without a yes or with no address."""
    if mail_server(services) is None:
        raise NotFound
    if not has_agreed:
        raise InputRefused(N_("Tick the box to say yes to the mails."))
    sealed = services.vault.seal(check_address(address).encode())
    row = session.get(PlanReminder, plan.id)
    if row is None:
        session.add(PlanReminder(plan_id=plan.id, address_sealed=sealed))
    else:
        row.address_sealed, row.agreed_at, row.ended_at = sealed, now(), None
    _record(session, visitor, plan, "plan_reminders.begun")


def end_reminders(session: Session, visitor: Visitor, plan: ActionPlan) -> None:
    """No further mail goes out, those in line neither, and the address is deleted."""
    row = session.get(PlanReminder, plan.id)
    if row is None or row.ended_at is not None:
        return
    row.address_sealed, row.ended_at = None, now()
    for check_in in waiting_check_ins(session, plan.id):
        cancel_mail(session, mail_key(check_in))
    _record(session, visitor, plan, "plan_reminders.ended")


def remind_next(services: Services) -> bool:
    """Puts the mail of the check-in that has been due longest in line, if there is one to be mailed."""
    if mail_server(services) is None:
        return False
    moment = now()
    with services.database.write() as session:
        due = (
            select(CheckIn)
            .join(ActionPlan, ActionPlan.id == CheckIn.plan_id)
            .join(PlanReminder, PlanReminder.plan_id == CheckIn.plan_id)
            .where(
                CheckIn.state == WAITING,
                CheckIn.mailed_at.is_(None),
                CheckIn.due_at <= moment,
                CheckIn.due_at > moment - STALE,
                CheckIn.due_at > PlanReminder.agreed_at,
                PlanReminder.ended_at.is_(None),
                ActionPlan.state == OPEN,
            )
            .order_by(CheckIn.due_at)
        )
        row: CheckIn | None = claim_row(session, due, CheckIn, f"{OWNER}:{new_id()[-8:]}", LEASE)
        if row is None:
            return False
        plan = session.get_one(ActionPlan, row.plan_id)
        reminder = session.get_one(PlanReminder, plan.id)
        if not _is_in_course(session, plan):
            _end_unasked(session, plan, reminder)
            row.lease_owner = row.lease_until = None
            return True
        translate = Translator(plan.locale)
        course = " ".join((session.get_one(Context, plan.context_id).title or "").split())
        queue_mail(
            session,
            services.vault,
            key=mail_key(row),
            address=services.vault.unseal(reminder.address_sealed or b"").decode(),
            subject=translate(_SUBJECT),
            body=translate(_BODY, course=course),
        )
        row.mailed_at = moment
        row.lease_owner = row.lease_until = None
        identifier = row.id
    log.info("check_in_mailed", check_in=identifier)
    services.wake()
    return True


def _is_in_course(session: Session, plan: ActionPlan) -> bool:
    """Whether the plan's person could still open it: an active membership, and a deployment and platform that are switched on."""
    found = session.scalar(
        select(Membership.id)
        .join(Context, Context.id == Membership.context_id)
        .join(Deployment, Deployment.id == Context.deployment_id)
        .join(Registration, Registration.id == Deployment.registration_id)
        .where(
            Membership.context_id == plan.context_id,
            Membership.user_id == plan.user_id,
            Membership.status == "active",
            Deployment.status == "active",
            Registration.status == "active",
        )
    )
    return found is not None


def _end_unasked(session: Session, plan: ActionPlan, reminder: PlanReminder) -> None:
    """Ends the mails to somebody who is no longer in the course, and deletes the address. Who comes back says yes anew."""
    reminder.address_sealed, reminder.ended_at = None, now()
    record_event(
        session,
        "plan_reminders.ended",
        organisation_id=plan.organisation_id,
        actor_id=None,
        subject_kind="plan",
        subject_id=plan.id,
    )


def free_check_ins(services: Services, is_nobodys: LeaseTest) -> int:
    """Ends the leases on check-ins that `is_nobodys` says are nobody's."""
    with services.database.write() as session:
        return free_leases(session, CheckIn, is_nobodys)


def _record(session: Session, visitor: Visitor, plan: ActionPlan, action: str) -> None:
    record_event(
        session,
        action,
        organisation_id=plan.organisation_id,
        actor_id=visitor.user_id,
        subject_kind="plan",
        subject_id=plan.id,
    )
