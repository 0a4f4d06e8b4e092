"""Experts: the questions that learners handed on, the answers, who can be asked, and what the content does not cover."""

from __future__ import annotations

from datetime import timedelta

from fastapi import APIRouter

from app.coach.content_gaps import remove_old_words
from app.coach.hand_offs import free_hand_offs, work_next_hand_off
from app.course.access import REVIEWERS
from app.kit.errors import N_
from app.kit.jobs import Job
from app.kit.privacy import PersonalData
from app.kit.room import NavigationItem, Room
from app.rooms.experts import answering, people, public
from app.rooms.experts.jobs import free_experts_mail, send_experts_mail
from app.rooms.experts.service import due_for_experts

router = APIRouter()
for part in (answering, people, public):
    router.include_router(part.router)

ROOM = Room(
    name="experts",
    router=router,
    navigation=(NavigationItem("/experts", N_("Experts"), REVIEWERS),),
    jobs=(
        Job("work_hand_offs", work_next_hand_off, timedelta(seconds=30), free_hand_offs),
        Job("send_mail", send_experts_mail, timedelta(seconds=10), free_experts_mail),
        Job("remove_old_words", remove_old_words, timedelta(hours=6)),
    ),
    public={
        "/answer/{token}": "An expert without an account answers one question: the link and the browser it is bound to are the proof.",
        "/answer/{token}/open": "Binds an expert's link to the browser that opens it first; a button, so that mail programs don't.",
    },
    personal_data=(
        PersonalData(
            "expert",
            "user_id",
            "Who can be asked: name, topics, and an e-mail address where an instructor wrote one",
            "everybody in the course, the address only its instructors",
        ),
        PersonalData(
            "hand_off",
            "user_id",
            "Questions handed to an expert, as the learner sent them",
            "the person, the expert and the instructors of the course",
        ),
        PersonalData(
            "expert_answer",
            "user_id",
            "Experts' answers",
            "who asked; everybody who may use the documents, where the expert allows it",
        ),
        PersonalData(
            "expert_link",
            "hand_off_id",
            "Links to answer a question without an account, as a hash",
            "nobody; the service itself",
        ),
        PersonalData("mail", "address", "Mails to experts until they are sent", "nobody; the service itself"),
        PersonalData(
            "content_gap",
            "user_id",
            "Questions that the content did not answer; the words for 90 days",
            "instructors, as a count; words only from five or more people, without names",
        ),
    ),
    due=due_for_experts,
)
