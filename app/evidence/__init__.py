"""The ledger: attempt -> evidence -> confirmation -> score -> delivery. What is written is never edited, only superseded."""

from __future__ import annotations

from datetime import timedelta

from app.evidence.claiming import release_scores
from app.evidence.columns import read_next_column
from app.evidence.delivery import deliver_next, free_deliveries, measure_deliveries
from app.evidence.sampling import check_next_result
from app.kit.jobs import Job
from app.kit.privacy import PersonalData
from app.kit.room import Room

LANES = ("deliver_scores", "deliver_scores_2", "deliver_scores_3", "deliver_scores_4")

ROOM = Room(
    name="evidence",
    jobs=(
        # One platform at a time each, so that a slow one holds up no other; a platform is asked by one of them at once.
        *(Job(name, deliver_next, timedelta(seconds=1), free_deliveries) for name in LANES),
        Job("release_scores", release_scores, timedelta(seconds=15)),
        Job("check_results", check_next_result, timedelta(seconds=2), free_deliveries),
        Job("read_columns", read_next_column, timedelta(seconds=5)),
    ),
    gauges=(measure_deliveries,),
    personal_data=(
        PersonalData(
            "attempt",
            "user_id",
            "Answers to practice tasks, with feedback",
            "the person; reviewers once handed in",
        ),
        PersonalData(
            "answer_file",
            "user_id",
            "Files that were answers to practice tasks",
            "the person; reviewers once handed in",
        ),
        PersonalData(
            "self_assessment",
            "user_id",
            "What the person ticked of their own answers",
            "the person; reviewers once handed in",
        ),
        PersonalData("practice_end", "user_id", "That the person asked for the worked answers", "the person"),
        PersonalData(
            "recheck",
            "user_id",
            "When a re-check is due, and whether it was opened",
            "the person; reviewers once handed in",
        ),
        PersonalData(
            "contest",
            "user_id",
            "What the person says against a line of feedback or a decision, and the answer",
            "the person and reviewers of the course",
        ),
        PersonalData("evidence", "user_id", "What was handed in", "the person and reviewers of the course"),
        PersonalData(
            "confirmation",
            "evidence_id",
            "Decisions on it, with a comment",
            "the person and reviewers of the course",
        ),
        PersonalData(
            "score", "user_id", "What the gradebook is to show", "the person and reviewers of the course"
        ),
        PersonalData(
            "delivery", "score_id", "Tries to bring it there", "reviewers of the course; the operator"
        ),
    ),
)
