"""Who counts as one client."""

from libs.service.http.addresses import client_of, network


def test_one_subscriber_is_one_client() -> None:
    assert network("2001:db8:0:1::1") == network("2001:db8:0:1:ffff::2") != network("2001:db8:0:2::1")
    assert (network("203.0.113.7"), network("testclient")) == ("203.0.113.7", "testclient")


def test_who_has_no_address_is_a_client_all_the_same() -> None:
    assert client_of({"type": "http", "client": None}) == ""
