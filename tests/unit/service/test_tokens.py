"""A token is verified once and its expiry looked at each time; known ones do not pile up."""

import re
from pathlib import Path

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet, OKPKey

from libs.service.callers import KNOWN_AT_MOST, Caller, ScopeUnknown, TokenInvalid, Tokens
from libs.service.clock import real_now
from libs.service.scopes import SCOPES
from operations.embedded import keys
from operations.installation import ROOT, CannotStart

NOW = int(real_now().timestamp())
FAR = NOW + 3600
KEY = OKPKey.generate_key("Ed25519", parameters={"kid": "k", "alg": "EdDSA"}, private=True)
KEYS = KeySet([KEY])
ZHOU_MIN = Caller("zhou-min", machine=False, scopes=frozenset())


def signed(expires: int, audience: object = "xunban", scope: str = "") -> str:
    claims = {"iss": "xunban", "sub": "zhou-min", "exp": expires, "aud": audience, "scope": scope}
    return jwt.encode({"alg": "EdDSA", "kid": "k"}, claims, KEY, algorithms=["EdDSA"])


def test_a_token_is_verified_and_kept_with_its_expiry() -> None:
    tokens, token = Tokens(KEYS), signed(FAR)

    assert tokens.caller(f"Bearer {token}") == ZHOU_MIN
    assert tokens.known == {token: (ZHOU_MIN, FAR)}


def test_a_token_that_was_good_is_refused_once_it_has_expired() -> None:
    with pytest.raises(TokenInvalid):
        Tokens(KEYS, known={"t": (ZHOU_MIN, 1)}).caller("Bearer t")


def test_what_nobody_has_signed_is_not_kept() -> None:
    tokens = Tokens(KEYS)

    for token in ("t", signed(1), signed(FAR)[:-8] + "AAAAAAAA"):
        with pytest.raises(TokenInvalid):
            tokens.caller(f"Bearer {token}")
    assert tokens.known == {}


@pytest.mark.parametrize("audience", ["payroll", "", None, ["payroll"]])
def test_a_token_of_the_same_issuer_for_another_application_is_none(audience: object) -> None:
    with pytest.raises(TokenInvalid):
        Tokens(KEYS).caller(f"Bearer {signed(FAR, audience)}")
    assert Tokens(KEYS).caller(f"Bearer {signed(FAR, ['payroll', 'xunban'])}") == ZHOU_MIN


def test_a_token_for_a_hundred_years_is_none() -> None:
    with pytest.raises(TokenInvalid):
        Tokens(KEYS).caller(f"Bearer {signed(NOW + 100 * 365 * 86_400)}")
    assert Tokens(KEYS, most_hours=10**9).caller(f"Bearer {signed(NOW + 100 * 365 * 86_400)}") == ZHOU_MIN


def test_known_tokens_do_not_pile_up() -> None:
    tokens = Tokens(KEYS, known={str(n): (ZHOU_MIN, FAR) for n in range(KNOWN_AT_MOST)})
    tokens.caller(f"Bearer {signed(FAR)}")

    assert len(tokens.known) == 1


@pytest.mark.parametrize("scope", ["directry", "read Clock", "unit:", "unit:Housing", "unit", "*"])
def test_a_token_with_a_misspelled_scope_is_refused_by_name_of_the_fault(scope: str) -> None:
    with pytest.raises(ScopeUnknown) as refused:
        Tokens(KEYS).caller(f"Bearer {signed(FAR, scope=scope)}")

    assert refused.value.code == "E-TOKEN-SCOPE"
    assert "directory" in refused.value.allowed


def test_every_scope_that_there_is_is_believed() -> None:
    scope = "intake import directory read clock unit:county-housing"
    assert Tokens(KEYS).caller(f"Bearer {signed(FAR, scope=scope)}").scopes == set(scope.split())


def test_a_misspelled_scope_is_never_signed(tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match="directry"):
        keys.token(tmp_path, person=None, client="publisher", scopes=("directry",))


def test_every_scope_that_a_service_asks_for_is_in_the_one_list() -> None:
    folders = [ROOT / "libs", ROOT / "services"]
    texts = [path.read_text() for folder in folders for path in sorted(folder.rglob("*.py"))]
    asked = {name for text in texts for name in re.findall(r'"([a-z]+)" (?:not )?in [a-z_.]*scopes', text)}
    sets = {
        name
        for text in texts
        for found in re.findall(r"scopes & \{(.*?)\}", text)
        for name in re.findall(r"[a-z]+", found)
    }

    assert asked | sets == set(SCOPES)
