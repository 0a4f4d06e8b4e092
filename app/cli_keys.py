"""`workside keys`: the tool's own signing keys, which platforms read at /lti/jwks.json."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from app.terminal import AsJson, fail, opened, read_settings, show

keys_app = typer.Typer(
    no_args_is_help=True, help="The keys that Workside signs with, which platforms read at /lti/jwks.json."
)


def _as_json(record: Any) -> dict[str, Any]:
    return {
        "kid": record.kid,
        "state": record.state,
        "created_at": record.created_at.isoformat(),
        "signs_from": record.signs_from.isoformat(),
        "until": record.until.isoformat() if record.until else None,
    }


def _line(record: Any) -> str:
    return f"{record.kid}  {record.state}{_turn(record)}  (made {record.created_at:%Y-%m-%d})"


def _turn(record: Any) -> str:
    """When the key's state ends, in the words of that state."""
    words = {"pending": "signs from", "signing": "signs until", "published": "published until"}
    moment = record.signs_from if record.state == "pending" else record.until
    return f", {words.get(record.state, 'until')} {moment:%Y-%m-%d %H:%M} UTC" if moment else ""


@keys_app.command("list")
def keys_list(as_json: AsJson = False) -> None:
    """Show every key there ever was: pending (published, signs later), signing, published (signed before), retired, revoked."""
    settings = read_settings()
    from app.course.keys import DatabaseKeys

    with opened(settings) as services:
        records = DatabaseKeys(services.database, services.vault).records()
    show(
        as_json,
        [_as_json(record) for record in records],
        "\n".join(_line(record) for record in records)
        or "No key yet. The first one is made at the first use.",
    )


@keys_app.command("rotate")
def keys_rotate(
    at_once: Annotated[
        bool,
        typer.Option(
            "--now", help="Sign with it at once: platforms that keep our keys may refuse us for up to a day."
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Publish a new key, which signs in a day, when every platform has read it; the old one stays published for two weeks more.

    Calling it again within that day makes no further key. --now is for emergencies in which the old key is not in strange
    hands; where it is, use `workside keys revoke`.
    """
    settings = read_settings()
    from app.course.keys import DatabaseKeys
    from app.kit.vault import VaultLocked

    with opened(settings) as services:
        try:
            record = DatabaseKeys(services.database, services.vault).rotate(at_once=at_once)
        except VaultLocked as error:
            fail(str(error), 2)
    when = "signs now" if record.state == "signing" else f"signs from {record.signs_from:%Y-%m-%d %H:%M} UTC"
    show(as_json, _as_json(record), f"{record.kid} is published and {when}.")


@keys_app.command("revoke")
def keys_revoke(
    kid: Annotated[str, typer.Argument(help="The key's id from `workside keys list`.")],
    as_json: AsJson = False,
) -> None:
    """In an emergency: take a key back at once. A new one signs at once, and every access token from platforms is forgotten.

    Platforms that keep our keys for a while refuse our grades until they have read the new one; those are sent again by
    themselves.
    """
    settings = read_settings()
    from app.course.keys import DatabaseKeys, KeyUnknown

    with opened(settings) as services:
        try:
            record = DatabaseKeys(services.database, services.vault).revoke(kid)
        except KeyUnknown as error:
            fail(str(error), 2)
    show(as_json, {"revoked": kid, "signing": _as_json(record)}, f"{kid} is revoked. {record.kid} signs now.")
