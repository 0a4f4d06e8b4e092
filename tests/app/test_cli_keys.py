"""`workside keys`: list, rotate, revoke."""

from __future__ import annotations

from tests.app.test_cli import Workside, workside

__all__ = ["workside"]


def test_case_122_keys_are_rotated_by_a_command(workside: Workside) -> None:
    assert workside.json("keys", "list") == []
    assert "first use" in workside.run("keys", "list").output
    first = workside.json("keys", "rotate")
    assert first["state"] == "pending"
    listed = workside.json("keys", "list")
    assert [key["state"] for key in listed] == ["signing", "pending"]
    shown = workside.run("keys", "list").output.splitlines()
    assert "signing, signs until " in shown[0] and "pending, signs from " in shown[1]
    assert workside.json("keys", "rotate")["kid"] == first["kid"], "within a day it is the same one"
    assert workside.json("keys", "rotate", "--now")["state"] == "signing"
    assert [key["state"] for key in workside.json("keys", "list")] == ["published", "signing"]
    assert "PRIVATE" not in workside.run("keys", "list").output


def test_case_123_a_key_is_revoked_by_a_command(workside: Workside) -> None:
    workside.json("keys", "rotate")
    old, pending = workside.json("keys", "list")
    revoked = workside.json("keys", "revoke", old["kid"])
    assert revoked["revoked"] == old["kid"] and revoked["signing"]["kid"] not in {old["kid"], pending["kid"]}
    again = workside.run("keys", "revoke", old["kid"])
    assert again.exit_code == 2 and "workside keys list" in again.output


def test_case_123_another_secret_ends_with_what_to_do(workside: Workside) -> None:
    workside.json("keys", "rotate")
    refused = workside.run("keys", "rotate", WORKSIDE_SECRET="another secret of more than 32 characters")
    assert refused.exit_code == 2 and "WORKSIDE_SECRET" in refused.output
    doctor = workside.run("doctor", WORKSIDE_SECRET="another secret of more than 32 characters")
    assert "keys revoke" in doctor.output
