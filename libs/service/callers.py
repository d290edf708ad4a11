"""Who is calling: a signed token, and the appointment in which the person acts. The directory holds all powers."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from libs.directory.facts.view import View
from libs.events.decider import Actor
from libs.events.errors import Forbidden, Malformed
from libs.events.ids import PersonId, UnitId
from libs.service.clock import real_now
from libs.service.scopes import OF_UNIT, SCOPES, unknown

ISSUER = "xunban"
AUDIENCE = "xunban"
MOST_HOURS = 24.0 * 31
MACHINE = "MACHINE"
KNOWN_AT_MOST = 10_000


class TokenInvalid(Exception):
    """No token, or one that cannot be trusted; answered with 401."""


class ScopeUnknown(Forbidden):
    """The token is signed, and names a scope that nothing asks for: its holder believes to have what he has not."""

    code = "E-TOKEN-SCOPE"
    zh = "令牌中的权限范围未知, 请重新签发"
    en = "the token names a scope that there is not; have it signed anew"


class AppointmentUnclear(Malformed):
    """The person holds several appointments, or not the one he names."""

    code = "E-APPOINTMENT"
    zh = "请在 Xunban-Appointment 中注明以哪个岗位办理"
    en = "say in Xunban-Appointment in which of your appointments you act"


class NoAppointment(Forbidden):
    """The person holds no appointment now."""

    code = "E-ROLE"
    zh = "您目前没有任何有效岗位"
    en = "you hold no active appointment"


@dataclass(frozen=True)
class Caller:
    """The subject of a verified token."""

    subject: str
    machine: bool
    scopes: frozenset[str]


@dataclass(frozen=True)
class Tokens:
    """Verifies callers' tokens against the published keys; a signature once, the expiry each time."""

    keys: KeySet
    audience: str = AUDIENCE
    most_hours: float = MOST_HOURS
    """The longest life that is believed of a token."""
    known: dict[str, tuple[Caller, int]] = field(default_factory=dict)
    """Token → its caller, and its expiry in seconds since 1970."""

    @staticmethod
    def from_file(path: Path, audience: str = AUDIENCE, most_hours: float = MOST_HOURS) -> Tokens:
        """Read a JWKS document."""
        return Tokens(KeySet.import_key_set(json.loads(path.read_text())), audience, most_hours)

    def caller(self, authorization: str | None) -> Caller:
        """Who holds this `Authorization` header; raises `TokenInvalid`, `ScopeUnknown`. Expiry is on the real clock."""
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise TokenInvalid
        now, token = int(real_now().timestamp()), token.strip()
        if token not in self.known:
            if len(self.known) >= KNOWN_AT_MOST:
                self.known.clear()
            self.known[token] = self._verified(token, now)
        caller, expires = self.known[token]
        if expires < now:
            raise TokenInvalid
        return caller

    def _verified(self, token: str, now: int) -> tuple[Caller, int]:
        try:
            claims = jwt.decode(token, self.keys, algorithms=["EdDSA", "Ed25519", "ES256"]).claims
            rules = jwt.JWTClaimsRegistry(
                now=now,
                iss={"essential": True, "value": ISSUER},
                sub={"essential": True},
                exp={"essential": True},
                aud={"essential": True, "value": self.audience},
            )
            rules.validate(claims)
            if int(claims["exp"]) > now + self.most_hours * 3600:
                raise ValueError("a token for longer than any is issued")
        except (JoseError, ValueError, KeyError, TypeError) as error:
            raise TokenInvalid from error
        scopes = frozenset(str(claims.get("scope", "")).split())
        if unknown(scopes):
            raise ScopeUnknown(allowed=[*SCOPES, f"{OF_UNIT}<id>"])
        return Caller(str(claims["sub"]), claims.get("kind") == "machine", scopes), int(claims["exp"])


def actor(view: View, caller: Caller, appointment: str | None, at: datetime) -> Actor:
    """The caller in one appointment that is active at `at`; a machine principal acts with its scopes alone."""
    if caller.machine:
        unit = bound_unit(caller.scopes)
        return Actor(person=PersonId(caller.subject), role=MACHINE, unit=unit, scopes=caller.scopes)
    person = view.natural(PersonId(caller.subject))
    held = view.appointments_of(person, at)
    if not held:
        raise NoAppointment()
    chosen = [one for one in held if one.id == appointment] if appointment else held
    if len(chosen) != 1:
        raise AppointmentUnclear(allowed=[one.id for one in held])
    one = chosen[0]
    return Actor(person=person, role=one.role, appointment=one.id, unit=one.unit, scopes=caller.scopes)


def bound_unit(scopes: frozenset[str]) -> UnitId | None:
    """The one unit that a machine principal belongs to; none where its scopes name none or several."""
    units = [scope.removeprefix(OF_UNIT) for scope in scopes if scope.startswith(OF_UNIT)]
    return UnitId(units[0]) if len(units) == 1 else None
