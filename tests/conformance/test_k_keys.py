"""K. Our keys: conformance case 121, and what rotation (122) needs of the document."""

from __future__ import annotations

import json

import jwt

from lti import new_signing_key, public_key_of
from tests.conformance.tool import Tool

SIGNATURE_ONLY = {"verify_aud": False, "verify_exp": False, "verify_iat": False}


def test_case_121_only_public_members_are_published(tool: Tool) -> None:
    answer = tool.browser().get("/lti/jwks.json")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    [key] = answer.json()["keys"]
    assert set(key) == {"kty", "n", "e", "kid", "alg", "use"}
    assert (key["kty"], key["alg"], key["use"], key["kid"]) == ("RSA", "RS256", "sig", "tool-key-1")
    maximum = int(answer.headers["cache-control"].partition("max-age=")[2])
    assert 0 < maximum <= 3600


def test_case_121_head_works_without_signing_in(tool: Tool) -> None:
    answer = tool.browser().head("/lti/jwks.json")
    assert answer.status_code == 200 and answer.content == b""
    assert tool.browser().post("/lti/jwks.json").status_code == 405


def test_case_121_what_we_sign_verifies_with_what_we_publish(tool: Tool) -> None:
    tool.tokens.token(tool.registration, ["https://purl.imsglobal.org/spec/lti-ags/scope/score"])
    proof = tool.platform.asked("token")[0].form["client_assertion"]
    [key] = tool.client.get("/lti/jwks.json").json()["keys"]
    assert jwt.decode(proof, jwt.PyJWK(key), algorithms=["RS256"], options=SIGNATURE_ONLY)


def test_case_122_several_keys_are_published_and_one_signs(tool: Tool) -> None:
    new = new_signing_key()
    tool.keys.rotate(new)
    published = [key["kid"] for key in tool.client.get("/lti/jwks.json").json()["keys"]]
    assert published == ["tool-key-1", new.kid]
    tool.tokens.token(tool.registration, ["https://purl.imsglobal.org/spec/lti-ags/scope/score"])
    proof = tool.platform.asked("token")[0].form["client_assertion"]
    assert jwt.get_unverified_header(proof)["kid"] == new.kid


def test_case_122_a_kid_is_the_keys_own(tool: Tool) -> None:
    first, second = new_signing_key(), new_signing_key()
    assert first.kid != second.kid and public_key_of(first).kid == first.kid
    assert "PRIVATE" not in json.dumps([public_key_of(first).pem, repr(first)])
