"""`workside budget`: what chat models have cost today, and what they may cost."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

import typer

from app.terminal import DEFAULT_ORGANISATION, AsJson, fail, opened, read_settings, show

budget_app = typer.Typer(no_args_is_help=True, help="What chat models cost, and the caps on it.")

USUAL = "default"
# Columns hold 64 bits; a cap beyond this is none anyway.
MOST = 10**15

Tokens = Annotated[str | None, typer.Option(metavar="TOKENS|default", help="Tokens in a day; 0 is no cap.")]
Money = Annotated[
    str | None,
    typer.Option(metavar="AMOUNT|default", help="Money in a day, in WORKSIDE_CURRENCY; 0 is no cap."),
]


@budget_app.command("show")
def budget_show(as_json: AsJson = False) -> None:
    """Show what each organisation has spent today, reserved calls included, beside its caps. The day is UTC's."""
    settings = read_settings()
    from app.coach.budget import MICRO, UNITS, Cap, budget_of, caps_for
    from app.coach.spending import amount, spending_today
    from app.kit.clock import now

    def cap_in_words(cap: Cap) -> str:
        tokens = f"{cap.tokens:,} tokens" if cap.tokens else "no cap of tokens"
        return f"{tokens}, {amount(cap.money, settings.currency) if cap.money else 'no cap of money'}"

    with opened(settings) as services:
        budget = budget_of(services)
        with services.database.read() as session:
            rows = [
                (one, caps_for(session, one.id, budget.caps))
                for one in spending_today(session, budget, now())
            ]
    value = [
        {
            "organisation": one.name,
            "tokens": one.standing.tokens,
            "money": str(Decimal(one.standing.money) / MICRO),
            "currency": settings.currency,
            "percent": one.standing.percent,
            "has_own_caps": one.has_own_caps,
            "caps": {
                kind: {
                    unit: cap.tokens if unit == "tokens" else str(Decimal(cap.money) / MICRO)
                    for unit in UNITS
                }
                for kind, cap in caps.items()
            },
            "learners_at": one.learners,
        }
        for one, caps in rows
    ]
    lines = []
    for one, caps in rows:
        percent = "" if one.standing.percent is None else f", {one.standing.percent} % of its cap"
        lines.append(
            f"{one.name}: {one.standing.tokens:,} tokens, {amount(one.standing.money, settings.currency)} today{percent}"
        )
        lines += [
            f"  a day for {'the' if kind == 'organisation' else 'a'} {kind}: {cap_in_words(cap)}"
            for kind, cap in caps.items()
        ]
    show(as_json, value, "\n".join(lines) or "There is no organisation yet.")


@budget_app.command("set")
def budget_set(
    organisation: Annotated[
        str, typer.Option("--organisation", help="Organisation whose caps change.")
    ] = DEFAULT_ORGANISATION,
    learner_tokens: Tokens = None,
    course_tokens: Tokens = None,
    organisation_tokens: Tokens = None,
    learner_money: Money = None,
    course_money: Money = None,
    organisation_money: Money = None,
    as_json: AsJson = False,
) -> None:
    """Give an organisation caps of its own; `default` gives it the setting's again. They hold from the next call on.

    Example: workside budget set --organisation north --course-tokens 1000000 --organisation-money 40
    """
    wanted = {
        "learner_tokens": learner_tokens,
        "course_tokens": course_tokens,
        "organisation_tokens": organisation_tokens,
        "learner_money": learner_money,
        "course_money": course_money,
        "organisation_money": organisation_money,
    }
    values = {name: _value(name, text) for name, text in wanted.items() if text is not None}
    if not values:
        fail("Nothing to change: give at least one cap, such as --learner-tokens 100000.", 2)
    settings = read_settings()
    from app.coach.spending import change_caps
    from app.course.loading import organisation_named
    from app.kit.errors import NotFound

    with opened(settings) as services:
        try:
            with services.database.write() as session:
                change_caps(session, organisation_named(session, organisation).id, values)
        except NotFound:
            fail(f"There is no organisation {organisation!r}. See `workside budget show`.", 2)
    changed: dict[str, Any] = {name: wanted[name] for name in values}
    show(
        as_json,
        {"organisation": organisation, "changed": changed},
        f"Changed for {organisation}. See `workside budget show`.",
    )


def _value(name: str, text: str) -> int | None:
    """The cap as it is kept: tokens, or micro-units of money; None for the setting's."""
    from app.coach.budget import MICRO, micro_units

    if text == USUAL:
        return None
    option = f"--{name.replace('_', '-')}"
    if name.endswith("_tokens"):
        digits = text.replace(",", "").replace("_", "")
        if not (digits.isascii() and digits.isdecimal() and int(digits) <= MOST):
            fail(f"{option} is a whole number of tokens, 0 for no cap, or `{USUAL}`.", 2)
        return int(digits)
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal(-1)
    if not amount.is_finite() or not 0 <= amount <= MOST // MICRO:
        fail(f"{option} is an amount such as 12.50, 0 for no cap, or `{USUAL}`.", 2)
    return micro_units(amount)
