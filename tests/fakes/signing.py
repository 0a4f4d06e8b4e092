"""Keys and signatures of a fake platform: any algorithm, any key, honest or not."""

from __future__ import annotations

import base64
import functools
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from tests.fakes.wire import without_absent


@functools.cache
def rsa_key(name: str, bits: int = 2048) -> rsa.RSAPrivateKey:
    """A key by name, made once for the whole test run: making one takes longer than a test."""
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


@functools.cache
def ec_key(name: str) -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def jwk_of(key: Any, kid: str, **members: Any) -> dict[str, Any]:
    """The public JWK of a private key; `members` change it, ABSENT leaves one out."""
    if isinstance(key, rsa.RSAPrivateKey):
        public = RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
        public = {"kty": "RSA", "n": public["n"], "e": public["e"], "alg": "RS256"}
    else:
        public = {**ECAlgorithm.to_jwk(key.public_key(), as_dict=True), "alg": "ES256"}
    return without_absent({**public, "kid": kid, "use": "sig", **members})


def public_pem(key: Any) -> bytes:
    """The public half as PEM: what a careless verifier would take for an HMAC secret."""
    pem: bytes = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return pem


def signed(payload: Mapping[str, Any] | bytes, header: Mapping[str, Any], key: Any) -> str:
    """A JWT by its header's alg. "none" and HMAC over a public key are assembled by hand: an honest library refuses to."""
    header = without_absent(header)
    alg = str(header.get("alg", "RS256"))
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    signing_input = _segment(json.dumps(header).encode()) + "." + _segment(body)
    if alg.lower() == "none":
        return signing_input + "."
    if alg.startswith("HS"):
        secret = key if isinstance(key, bytes) else public_pem(key)
        return (
            signing_input + "." + _segment(hmac.new(secret, signing_input.encode(), hashlib.sha256).digest())
        )
    return signing_input + "." + _segment(jwt.get_algorithm_by_name(alg).sign(signing_input.encode(), key))


def _segment(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
