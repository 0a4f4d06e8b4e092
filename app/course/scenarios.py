"""Scenarios for simulations: what an author writes is checked and kept by version; what a learner may see of it is picked here.

A definition holds hidden facts, goals, mood, voice and turning points: those stay on the server. Whoever shows a scenario uses
`scenario_view`, which names what may be shown and takes nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.course.access import Person, Visitor
from app.course.content import Scenario
from app.course.scope import coach_scope
from app.course.services import Services
from app.kit.errors import NotFound

MOODS = ("start", "better", "worse")
Mood = Literal["start", "better", "worse"]
Text = Field(min_length=1, max_length=4_000)
Key = Field(min_length=1, max_length=100, pattern=r"^[\w.-]+$")


class ScenarioInvalid(ValueError):
    """A scenario cannot be played as it is written; the message names the field and what to do."""


class _Part(BaseModel):
    # Translations and what a later version adds stand beside the fields that are known.
    model_config = ConfigDict(extra="allow")


class _Character(_Part):
    name: str = Field(min_length=1, max_length=100)
    role: str = Text
    voice: str = Text


class _HiddenFact(_Part):
    id: str = Key
    fact: str = Text
    reveal: Literal["asked", "never"]
    revealed_when: str = ""
    as_said: str = ""
    marker: str = Field(min_length=4, max_length=100)

    @model_validator(mode="after")
    def _has_marker(self) -> _HiddenFact:
        if self.marker.casefold() not in self.fact.casefold():
            raise ValueError("marker has to be a piece of the fact, letter by letter")
        if self.reveal == "asked" and not (self.as_said and self.revealed_when):
            raise ValueError('with reveal = "asked" it needs as_said and revealed_when')
        return self


class _TurningPoint(_Part):
    id: str = Key
    when: str = Text
    what_changes: str = Text


class _Criterion(_Part):
    id: str = Key
    text: str = Text
    weight: int = Field(ge=1, le=100)
    must: bool = False
    look_for: list[str] = Field(min_length=1)
    stronger_line: str = Text


class _Choice(_Part):
    id: str = Key
    text: str = Text
    like: list[str] = Field(min_length=1)
    to: str = Key
    meets: list[str] = Field(default_factory=list)
    feedback: str = Text


class _Node(_Part):
    id: str = Key
    says: str = Text
    mood: Mood
    turning_point: str = ""
    choices: list[_Choice] = Field(default_factory=list)
    end: Literal["good", "mixed", "bad", ""] = ""
    outcome: str = ""

    @model_validator(mode="after")
    def _goes_on_or_ends(self) -> _Node:
        if bool(self.choices) == bool(self.end):
            raise ValueError("a node has either choices or an end, and not both")
        if self.end and not self.outcome:
            raise ValueError("a node that ends needs its outcome")
        return self


class _Definition(_Part):
    id: str = Key
    title: str = Field(min_length=1, max_length=300)
    skill: str = ""
    minutes: int = Field(ge=1, le=120)
    difficulty: Literal["gentle", "medium", "hard"]
    max_turns: int = Field(ge=3, le=20)
    setting: str = Text
    learner_role: str = Text
    opening_line: str = Text
    goals: list[str] = Field(min_length=1)
    mood: dict[Mood, str]
    start: str = Key
    end_condition: str = Text
    character: _Character
    hidden_facts: list[_HiddenFact] = Field(default_factory=list)
    turning_points: list[_TurningPoint] = Field(default_factory=list)
    rubric: list[_Criterion] = Field(min_length=1)
    nodes: list[_Node] = Field(min_length=2)

    @model_validator(mode="after")
    def _hangs_together(self) -> _Definition:
        nodes = {node.id: node for node in self.nodes}
        criteria = {criterion.id for criterion in self.rubric}
        points = {point.id for point in self.turning_points}
        if len(nodes) < len(self.nodes) or len(criteria) < len(self.rubric):
            raise ValueError("two nodes or two criteria have the same id: give one of them another")
        if set(self.mood) != set(MOODS):
            raise ValueError("mood needs start, better and worse")
        if self.start not in nodes or " ".join(nodes[self.start].says.split()) != " ".join(
            self.opening_line.split()
        ):
            raise ValueError("start has to name the node that says the opening_line")
        for node in self.nodes:
            if node.turning_point and node.turning_point not in points:
                raise ValueError(
                    f"node {node.id}: turning_point {node.turning_point} is not among the turning_points"
                )
            for choice in node.choices:
                if choice.to not in nodes:
                    raise ValueError(
                        f"node {node.id}, choice {choice.id}: there is no node {choice.to} to go to"
                    )
                if unknown := set(choice.meets) - criteria:
                    raise ValueError(
                        f"node {node.id}, choice {choice.id}: {sorted(unknown)} is not in the rubric"
                    )
        return self


def check_scenario(raw: Mapping[str, Any]) -> None:
    """ScenarioInvalid where a definition cannot be played, or where a text that is shown gives a hidden fact away."""
    try:
        _Definition.model_validate(dict(raw))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the scenario"
        raise ScenarioInvalid(f"{place}: {first['msg'].removeprefix('Value error, ')}") from None
    shown = {
        key: value
        for key, value in raw.items()
        if key not in {"hidden_facts", "goals", "end_condition", "mood", "turning_points"}
    }
    shown["character"] = {key: raw["character"][key] for key in ("name", "role")}
    texts = " ".join(_texts(shown)).casefold()
    for fact in raw.get("hidden_facts", ()):
        if fact["marker"].casefold() in texts:
            raise ScenarioInvalid(
                f"hidden_facts.{fact['id']}: a text that learners see holds its marker. Reword that text, or choose another marker."
            )


def _texts(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            # A translation of a hidden fact is as hidden as the fact.
            if key != "hidden_facts":
                yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


def record_scenario(
    session: Session,
    organisation_id: str,
    collection_id: str,
    definition: dict[str, Any],
    titles: Mapping[str, str],
) -> None:
    """Keeps a checked definition (JSON-ready): the same again changes nothing, a changed one is a new version."""
    for source in definition.get("sources", ()):
        source["title"] = titles.get(source["document"], source["document"])
    current = session.scalars(
        select(Scenario).where(
            Scenario.organisation_id == organisation_id,
            Scenario.key == definition["id"],
            Scenario.is_current,
        )
    ).one_or_none()
    if current is not None and current.definition == definition and current.collection_id == collection_id:
        return
    if current is not None:
        session.execute(update(Scenario).where(Scenario.id == current.id).values(is_current=False))
    session.add(
        Scenario(
            organisation_id=organisation_id,
            collection_id=collection_id,
            key=definition["id"],
            version=current.version + 1 if current else 1,
            skill_key=definition.get("skill", ""),
            definition=definition,
        )
    )
    session.flush()


def scenarios_in_scope(services: Services, session: Session, visitor: Visitor) -> list[Scenario]:
    """The current scenarios of the visit's collections; only the one that the activity names, where it names one."""
    query = (
        select(Scenario)
        .where(
            Scenario.organisation_id == visitor.organisation_id,
            Scenario.collection_id.in_(coach_scope(services.retrieval, visitor).collection_ids),
            Scenario.is_current,
        )
        .order_by(Scenario.key)
    )
    settings = visitor.custom if visitor.placed is None else visitor.placed
    if only := settings.get("scenario"):
        query = query.where(Scenario.key == only)
    return list(session.scalars(query))


def has_scenarios(services: Services, session: Session, visitor: Visitor) -> bool:
    """Whether there is one to play in this activity. One that shows a single task or something else of its own has none."""
    if visitor.task_key is not None:
        return False
    return bool(scenarios_in_scope(services, session, visitor))


def access_scenario(services: Services, session: Session, visitor: Visitor, key: str) -> Scenario:
    """The current version of a scenario in the visit's scope; NotFound otherwise."""
    found = [row for row in scenarios_in_scope(services, session, visitor) if row.key == key]
    if not found:
        raise NotFound
    return found[0]


def access_scenario_version(session: Session, person: Person, scenario_id: str) -> Scenario:
    """One version of a scenario of the person's organisation, whichever is current: what a run was begun on."""
    row = session.get(Scenario, scenario_id)
    if row is None or row.organisation_id != person.organisation_id:
        raise NotFound
    return row


def localised_scenario(definition: Mapping[str, Any], locale: str) -> dict[str, Any]:
    """The whole definition with the locale's texts laid over it, hidden parts included: for the server only.

    `written_in` says in which language the texts are: `locale` where it is translated, else "en". Phrases to compare with (`like`,
    `look_for`) are in that language or are left out.
    """
    own = definition.get(locale) or {}

    def laid(kind: str, phrases: str) -> list[dict[str, Any]]:
        texts = own.get(kind, {})
        others: dict[str, Any] = {phrases: []} if own else {}
        return [{**item, **others, **texts.get(item["id"], {})} for item in definition.get(kind, ())]

    nodes = []
    for node in definition["nodes"]:
        texts = dict(own.get("nodes", {}).get(node["id"], {}))
        choices = texts.pop("choices", {})
        nodes.append(
            {
                **node,
                **texts,
                "choices": [
                    {**choice, **choices.get(choice["id"], {})} for choice in node.get("choices", ())
                ],
            }
        )
    by_id = {node["id"]: node for node in nodes}
    return {
        **definition,
        **{key: own[key] for key in ("title", "setting", "learner_role") if key in own},
        "character": {**definition["character"], **own.get("character", {})},
        "opening_line": by_id[definition["start"]]["says"],
        "hidden_facts": laid("hidden_facts", "like"),
        "rubric": laid("rubric", "look_for"),
        "nodes": nodes,
        "written_in": locale if own or locale == "en" else "en",
    }


def scenario_view(row: Scenario, locale: str, skill_name: str) -> dict[str, Any]:
    """What pages may show of a scenario before and beside a run."""
    definition = localised_scenario(row.definition, locale)
    return {
        "key": row.key,
        "title": definition["title"],
        "minutes": definition["minutes"],
        "difficulty": definition["difficulty"],
        "skill": skill_name,
        "setting": definition["setting"],
        "learner_role": definition["learner_role"],
        "who": definition["character"]["name"],
        "role": definition["character"]["role"],
        "opening": definition["opening_line"],
        "most_turns": definition["max_turns"],
        "criteria": [
            {"id": item["id"], "text": item["text"], "must": bool(item.get("must", False))}
            for item in definition["rubric"]
        ],
        "sources": [
            {"document": source["title"], "place": source.get("heading", "")}
            for source in definition.get("sources", ())
        ],
    }
