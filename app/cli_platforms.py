"""`workside platform`: the learning platforms that may launch Workside, and their deployments."""

from __future__ import annotations

from typing import Annotated

import typer

from app.terminal import DEFAULT_ORGANISATION, AsJson, OrganisationName, fail, opened, read_settings, show

platform_app = typer.Typer(no_args_is_help=True, help="The learning platforms that may launch Workside.")


@platform_app.command("add")
def platform_add(
    name: Annotated[str, typer.Option(help="What you call the platform.")],
    issuer: Annotated[str, typer.Option(help="Its issuer (iss), to the letter.")],
    client_id: Annotated[str, typer.Option(help="The client id that it gave Workside.")],
    deployment_id: Annotated[str, typer.Option(help="The deployment id of the tool in it.")],
    auth_url: Annotated[str, typer.Option(help="Its OIDC authentication address.")],
    token_url: Annotated[str, typer.Option(help="Its access token address.")],
    jwks_url: Annotated[str, typer.Option(help="The address of its public keys.")],
    audience: Annotated[
        str | None,
        typer.Option(help="Audience of token requests, where it is not the token address (Brightspace)."),
    ] = None,
    allow_private: Annotated[
        bool, typer.Option("--allow-private", help="Its addresses may lie in a private network.")
    ] = False,
    organisation: OrganisationName = DEFAULT_ORGANISATION,
    as_json: AsJson = False,
) -> None:
    """Register a learning platform, or add a deployment to one. Calling it again with the same values changes nothing.

    Example: workside platform add --name "Our Moodle" --issuer https://moodle.example.org --client-id a1B2 --deployment-id 1
    --auth-url https://moodle.example.org/mod/lti/auth.php --token-url https://moodle.example.org/mod/lti/token.php
    --jwks-url https://moodle.example.org/mod/lti/certs.php
    """
    settings = read_settings()
    from app.course.platforms import PlatformRefused, add_platform

    with opened(settings) as services:
        try:
            added = add_platform(
                services, name=name, issuer=issuer, client_id=client_id, deployment_id=deployment_id, auth_url=auth_url,
                token_url=token_url, jwks_url=jwks_url, audience=audience, allow_private=allow_private, organisation=organisation,
            )  # fmt: skip
        except PlatformRefused as error:
            fail(str(error), 2)
    copy = added["tool"]
    text = f"Registered {name} for {organisation}. Give the platform these values:\n" + "\n".join(
        f"  {key.replace('_', ' ')}: {value}" for key, value in copy.items()
    )
    show(as_json, added, text)


@platform_app.command("list")
def platform_list(as_json: AsJson = False) -> None:
    """Show the registered platforms and their deployments."""
    settings = read_settings()
    from app.course.platforms import list_platforms

    with opened(settings) as services:
        platforms = list_platforms(services)
    lines = [
        f"{p['name']}  {p['issuer']}  {p['client_id']}  deployments: {', '.join(p['deployments'])}  ({p['organisation']})"
        for p in platforms
    ]
    show(
        as_json,
        platforms,
        "\n".join(lines) or "No platform is registered yet. See `workside platform add --help`.",
    )


@platform_app.command("sheet")
def platform_sheet(as_json: AsJson = False) -> None:
    """Show the values that a platform's registration form asks for, ready to copy. Nothing in them is secret."""
    settings = read_settings()
    from app.course.platforms import tool_sheet

    sheet = tool_sheet(settings)
    lines = [f"{key.replace('_', ' ')}:\n  " + value.replace("\n", "\n  ") for key, value in sheet.items()]
    show(as_json, sheet, "\n".join(lines))


@platform_app.command("invite")
def platform_invite(
    name: Annotated[str, typer.Option(help="What you call the platform.")],
    platform: Annotated[
        str,
        typer.Option(
            help="What it is: moodle, canvas, brightspace, blackboard, sakai, or generic for another."
        ),
    ] = "generic",
    hours: Annotated[int, typer.Option(min=1, max=168, help="Hours that the link works for.")] = 24,
    allow_private: Annotated[
        bool, typer.Option("--allow-private", help="Its addresses may lie in a private network.")
    ] = False,
    organisation: OrganisationName = DEFAULT_ORGANISATION,
    as_json: AsJson = False,
) -> None:
    """Make a link under which one platform registers itself, once. Paste it where the platform adds tools (dynamic registration).

    Example: workside platform invite --name "Our Moodle" --platform moodle --hours 2
    """
    settings = read_settings()
    from app.course.platforms import PlatformRefused
    from app.rooms.admin.invitations import make_invitation

    with opened(settings) as services:
        try:
            with services.database.write() as session:
                row, secret = make_invitation(
                    session, services.vault, name=name, organisation=organisation, platform=platform,
                    hours=hours, allow_private=allow_private, actor_id=None,
                )  # fmt: skip
                made = {
                    "id": row.id,
                    "name": name,
                    "organisation": organisation,
                    "link": f"{settings.url}/lti/register/{secret}",
                    "until": row.expires_at.isoformat(timespec="seconds"),
                }
        except PlatformRefused as error:
            fail(str(error), 2)
    text = f"{made['link']}\nPaste it into the platform. It works once, until {made['until']}."
    show(as_json, made, text)


@platform_app.command("deployments")
def platform_deployments(
    activate: Annotated[
        str, typer.Option(metavar="ID", help="Let in the deployment whose line has this id.")
    ] = "",
    refuse: Annotated[
        str, typer.Option(metavar="ID", help="Refuse the deployment with this id, or shut it out.")
    ] = "",
    organisation: Annotated[
        str,
        typer.Option(help="With --activate: organisation that it belongs to; made where it is new."),
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Show every deployment, those that wait first; let one in or shut one out.

    Example: workside platform deployments --activate 01a2... --organisation "School of nursing"
    """
    if bool(activate) and bool(refuse):
        fail("--activate and --refuse exclude each other. Give one of them.", 2)
    settings = read_settings()
    from app.course.loading import organisation_named
    from app.course.platforms import (
        PlatformRefused,
        access_deployment,
        activate_deployment,
        deactivate_deployment,
        list_deployments,
    )
    from app.kit.errors import NotFound

    with opened(settings) as services:
        try:
            if activate or refuse:
                with services.database.write() as session:
                    row = access_deployment(session, activate or refuse)
                    if activate:
                        owner = (
                            organisation_named(session, organisation, create=True) if organisation else None
                        )
                        activate_deployment(session, row, owner, actor_id=None)
                    else:
                        deactivate_deployment(session, row, actor_id=None)
        except NotFound:
            fail(f"There is no deployment {activate or refuse}. See `workside platform deployments`.")
        except PlatformRefused as error:
            fail(str(error), 2)
        rows = list_deployments(services)
    lines = [
        f"{r['id']}  {r['status']:8}  {r['platform']}  deployment {r['deployment_id']}  "
        f"({r['organisation'] or 'for no organisation yet'})"
        for r in rows
    ]
    show(as_json, rows, "\n".join(lines) or "No deployment was seen yet.")


@platform_app.command("test")
def platform_test(
    name: Annotated[str, typer.Argument(help="Its name or its id from `workside platform list --json`.")],
    as_json: AsJson = False,
) -> None:
    """Try the connection: read the platform's keys and ask it for a token. Exit code 1 if either fails."""
    settings = read_settings()
    from app.course.connection import check_connection
    from app.course.platforms import list_platforms

    with opened(settings) as services:
        found = [p for p in list_platforms(services) if name in {p["name"], p["id"]}]
        if len(found) != 1:
            known = ", ".join(sorted(p["name"] for p in list_platforms(services))) or "none"
            fail(
                f"{'More than one platform is' if found else 'No platform is'} called {name!r}. Registered: {known}. "
                "Where two have one name, give the id from `workside platform list --json`."
            )
        steps = check_connection(services, found[0]["id"])
    words = {"keys": "public keys", "token": "access token"}
    lines = [
        f"{'ok     ' if step.is_well else 'PROBLEM'}  {words[step.name]}: "
        + (", ".join(step.found) if step.is_well else f"{step.note}. {step.advice}")
        for step in steps
    ]
    value = [
        {
            "step": step.name,
            "well": step.is_well,
            "found": list(step.found),
            "note": step.note,
            "advice": step.advice,
        }
        for step in steps
    ]
    show(as_json, value, "\n".join(lines))
    if not all(step.is_well for step in steps):
        raise typer.Exit(1)
