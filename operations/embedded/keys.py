"""The keys of one instance, made once and kept: callers' tokens, the master key, idempotency, checkpoints."""

import json
import secrets
import time
from collections.abc import Iterable
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from joserfc import jwt
from joserfc.jwk import ECKey

from libs.service.scopes import OF_UNIT, SCOPES, unknown
from operations.embedded.instance import PUBLIC_KEYS, write_private
from operations.installation import SERVICES, CannotStart

ISSUER = "xunban"
ALGORITHM = "ES256"


def create(folder: Path) -> None:
    """Make every key that is not there yet.

    signing.json (private JWK), jwks.json (public set), four secrets of 32 bytes (master, idempotency, receipt, search),
    checkpoint-<service>.pem (Ed25519) and checkpoints.json (service → its public keys, hex, the newest first).
    """
    if not (folder / "signing.json").exists():
        _create_signing_key(folder)
    for name in ("master.key", "idempotency.key", "receipt.key", "search.key"):
        if not (folder / name).exists():
            write_private(folder / name, secrets.token_bytes(32))
    if not (folder / PUBLIC_KEYS).exists():
        _create_checkpoint_keys(folder)


def _create_signing_key(folder: Path) -> None:
    key = ECKey.generate_key("P-256", {"use": "sig", "alg": ALGORITHM}, private=True, auto_kid=True)
    public = {"keys": [key.as_dict(private=False)]}
    (folder / "jwks.json").write_text(json.dumps(public, indent=2))
    write_private(folder / "signing.json", json.dumps(key.as_dict(private=True)).encode())


def _create_checkpoint_keys(folder: Path) -> None:
    public = {service: _new_signing_key(folder, service) for service in SERVICES}
    (folder / PUBLIC_KEYS).write_text(json.dumps(public, indent=2))


def renew_signing_key(folder: Path, service: str) -> None:
    """A new key for a service, whose public half joins those that it had: what these signed stays proven.

    The public half is there first, so that nobody meets a signature that he cannot prove.
    """
    public = json.loads((folder / PUBLIC_KEYS).read_text())
    draft = folder / f"checkpoint-{service}.new"
    draft.mkdir(mode=0o700, exist_ok=True)
    known = [public[service]] if isinstance(public[service], str) else public[service]
    public[service] = [_new_signing_key(draft, service), *known]
    file = folder / f"{PUBLIC_KEYS}.new"
    file.write_text(json.dumps(public, indent=2))
    file.replace(folder / PUBLIC_KEYS)
    (draft / f"checkpoint-{service}.pem").replace(folder / f"checkpoint-{service}.pem")
    draft.rmdir()


def _new_signing_key(folder: Path, service: str) -> str:
    """Make it and write it down; its public half, hex."""
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    write_private(folder / f"checkpoint-{service}.pem", pem)
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()


def token(folder: Path, *, person: str | None, client: str | None, scopes: Iterable[str], hours: float = 12) -> str:
    """A signed token for a person or a machine client. Expiry is on the real clock whatever the mode.

    Claims: iss and aud "xunban", sub, kind person|machine, scope (space separated), iat, exp. Raises CannotStart
    without a key, and for a scope that no service knows.
    """
    if strange := unknown(scopes := list(scopes)):
        known = ", ".join((*SCOPES, f"{OF_UNIT}<id>"))
        raise CannotStart(f"没有这样的权限范围 / no such scope: {', '.join(strange)} ({known})")
    signing = folder / "signing.json"
    if not signing.exists():
        raise CannotStart("没有签名密钥,请先 make up / no signing key yet: run `make up` first")
    key = ECKey.import_key(json.loads(signing.read_text()))
    now = int(time.time())  # noqa: TID251 - a token's life is real time, outside business time
    claims = {
        "iss": ISSUER,
        "aud": ISSUER,
        "sub": person or client,
        "kind": "person" if person else "machine",
        "scope": " ".join(sorted(scopes)),
        "iat": now,
        "exp": now + int(hours * 3600),
    }
    return jwt.encode({"alg": ALGORITHM, "kid": key.kid}, claims, key)
