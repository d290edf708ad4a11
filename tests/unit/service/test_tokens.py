"""A token is verified once and its expiry looked at each time; known ones do not pile up."""

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet, OKPKey

from libs.service.callers import KNOWN_AT_MOST, Caller, TokenInvalid, Tokens

FAR = 4_000_000_000
KEY = OKPKey.generate_key("Ed25519", parameters={"kid": "k", "alg": "EdDSA"}, private=True)
KEYS = KeySet([KEY])
ZHOU_MIN = Caller("zhou-min", machine=False, scopes=frozenset())


def signed(expires: int) -> str:
    claims = {"iss": "xunban", "sub": "zhou-min", "exp": expires}
    return jwt.encode({"alg": "EdDSA", "kid": "k"}, claims, KEY, algorithms=["EdDSA"])


def test_a_token_is_verified_and_kept_with_its_expiry() -> None:
    tokens, token = Tokens(KEYS), signed(FAR)

    assert tokens.caller(f"Bearer {token}") == ZHOU_MIN
    assert tokens.known == {token: (ZHOU_MIN, FAR)}


def test_a_token_that_was_good_is_refused_once_it_has_expired() -> None:
    with pytest.raises(TokenInvalid):
        Tokens(KEYS, {"t": (ZHOU_MIN, 1)}).caller("Bearer t")


def test_what_nobody_has_signed_is_not_kept() -> None:
    tokens = Tokens(KEYS)

    for token in ("t", signed(1), signed(FAR)[:-8] + "AAAAAAAA"):
        with pytest.raises(TokenInvalid):
            tokens.caller(f"Bearer {token}")
    assert tokens.known == {}


def test_known_tokens_do_not_pile_up() -> None:
    tokens = Tokens(KEYS, {str(n): (ZHOU_MIN, FAR) for n in range(KNOWN_AT_MOST)})
    tokens.caller(f"Bearer {signed(FAR)}")

    assert len(tokens.known) == 1
