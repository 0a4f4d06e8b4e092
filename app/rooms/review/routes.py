"""Pages of Review."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from app.course.access import AnyPerson, Reviewer, SignedIn, access_task_version
from app.evidence.contests import access_contest, answer_contest
from app.evidence.delivery import send_again
from app.evidence.gradebook import score_of
from app.evidence.ledger import access_evidence, record_confirmation, rubric_of
from app.kit.db import Db
from app.kit.errors import N_, NotAllowed, WorksideError
from app.kit.pages import render_page, translator_of
from app.rooms.review.service import (
    contest_page_view,
    evidence_page_view,
    queue_view,
    read_contest_answer,
    read_decision,
    submission_of,
)

router = APIRouter()


class SubmissionElsewhere(WorksideError):
    """A gradebook column of another course than the one that it was opened from (conformance case 78)."""

    status = 403
    title = N_("This grade belongs to another course")
    advice = N_("Open the learner's work from the gradebook of the course that it was made in.")


async def posted_form(request: Request) -> dict[str, Any]:
    """The form's fields; which ones there are depends on the task's criteria."""
    return dict((await request.form()).items())


@router.get("/review")
def show_queue(request: Request, visitor: Reviewer, session: Db) -> Response:
    """What waits for a decision in this course, and what was decided lately."""
    view = queue_view(session, visitor, translator_of(request))
    return render_page(request, "review/queue.html", **view)


@router.get("/review/contests/{contest_id}")
def show_contest(request: Request, visitor: Reviewer, session: Db, contest_id: str) -> Response:
    """What a learner says against one line, and the answer to it."""
    row = access_contest(session, visitor, contest_id)
    view = contest_page_view(session, visitor, row, translator_of(request))
    return render_page(request, "review/contest.html", **view)


@router.post("/review/contests/{contest_id}/answer")
def answer(
    visitor: Reviewer,
    session: Db,
    contest_id: str,
    form: Annotated[dict[str, Any], Depends(posted_form)],
) -> Response:
    """An instructor's answer to a learner; it changes no point by itself."""
    agrees, words = read_contest_answer(form)
    row = access_contest(session, visitor, contest_id)
    answer_contest(session, visitor, row, agrees=agrees, answer=words)
    return RedirectResponse(f"/review/contests/{row.id}", 303)


@router.get("/submission/{user_id}")
def show_submission(
    request: Request, arrival: SignedIn, person: AnyPerson, session: Db, user_id: str
) -> Response:
    """One learner's work in the visit's activity, as a gradebook opens it (Submission Review 1.0).

    A reviewer gets it beside the rubric, a learner their own work with its feedback, and nobody another's.
    """
    if user_id == "elsewhere":
        raise SubmissionElsewhere
    if not person.is_reviewer and user_id != person.user_id:
        raise NotAllowed
    visitor = arrival.visitor() if arrival.link is not None else None
    evidence = submission_of(session, visitor, user_id) if visitor else None
    if not person.is_reviewer:
        return RedirectResponse(f"/practice/{evidence.task_key}" if evidence else "/practice", 303)
    if evidence is not None:
        return RedirectResponse(f"/review/{evidence.id}", 303)
    return render_page(request, "review/none.html", has_queue=visitor is not None)


@router.get("/review/{evidence_id}")
def show_evidence(request: Request, visitor: Reviewer, session: Db, evidence_id: str) -> Response:
    """One learner's response beside the rubric."""
    evidence = access_evidence(session, visitor, evidence_id)
    return render_page(
        request,
        "review/evidence.html",
        **evidence_page_view(session, visitor, evidence, translator_of(request)),
    )


@router.post("/review/{evidence_id}/decision")
def decide(
    request: Request,
    visitor: Reviewer,
    session: Db,
    evidence_id: str,
    form: Annotated[dict[str, Any], Depends(posted_form)],
) -> Response:
    """Records the reviewer's decision and the score; the worker brings it to the gradebook."""
    evidence = access_evidence(session, visitor, evidence_id)
    task = access_task_version(session, visitor, evidence.task_id)
    met, comment = read_decision(form, [criterion.id for criterion in rubric_of(task, evidence.kind)])
    record_confirmation(
        session, visitor, evidence, task, met=met, comment=comment, after=str(form.get("after", "")) or None
    )
    return RedirectResponse(f"/review/{evidence.id}", 303)


@router.post("/review/{evidence_id}/resend")
def resend(request: Request, visitor: Reviewer, session: Db, evidence_id: str) -> Response:
    """Puts a refused score back in line."""
    evidence = access_evidence(session, visitor, evidence_id)
    row = score_of(session, evidence)
    if row is not None:
        send_again(session, row.id, actor_id=visitor.user_id)
    return RedirectResponse(f"/review/{evidence.id}", 303)
