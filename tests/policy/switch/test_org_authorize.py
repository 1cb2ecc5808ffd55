"""What an authorize request without a token is: by reference, silent, or plain."""

import pytest

from gateway.policy.switch.org_requests import Plain, PushedByReference, SilentAuthorize, read
from tests.policy.switch.sent_to_org import head, post, request_object


def test_each_of_several_references_is_named() -> None:
    """Okta splits at ``&``; a server in front of it might split at ``;``, and nobody knows which of several Okta takes."""
    for query in ("request_uri=urn:a&request_uri=urn:b", ";request_uri=urn:a&request_uri=urn:b", "request_uri=urn:a&x;request_uri=urn:b"):
        assert read(head(f"/oauth2/v1/authorize?{query}")) == PushedByReference(("urn:a", "urn:b"))
    assert read(head("/oauth2/v1/authorize?request_uri=urn:a;b")) == PushedByReference(("urn:a;b", "urn:a"))
    assert read(head("/oauth2/v1/authorize?request_uri=urn:a&request_uri=urn:a")) == PushedByReference(("urn:a",))
    assert read(head("/oauth2/v1/authorize?request_uri=undefined")) == Plain()
    assert read(head("/oauth2/v1/par?request_uri=urn:a", "POST")) == Plain()


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_silent_authorize_names_its_client(method: str) -> None:
    for query in ("client_id=spa&prompt=none", "prompt=none&client_id=spa&prompt=none&scope=openid", "client_id=spa;prompt=none"):
        found = read(head(f"/oauth2/default/v1/authorize?{query}", method))
        assert found == (Plain() if ";" in query else SilentAuthorize("spa"))
    assert post("/oauth2/v1/authorize", b"client_id=spa&prompt=none") == SilentAuthorize("spa")
    claims = request_object({"client_id": "spa", "prompt": "none"})
    assert read(head(f"/oauth2/v1/authorize?client_id=spa&request={claims}", method)) == SilentAuthorize("spa")


@pytest.mark.parametrize(
    "query",
    ["client_id=spa", "prompt=none", "client_id=spa&prompt=none+login", "client_id=a&client_id=b&prompt=none", "client_id=spa&prompt=None"],
)
def test_an_authorize_that_may_not_be_silent_is_plain(query: str) -> None:
    assert read(head(f"/oauth2/v1/authorize?{query}")) == Plain()


def test_a_silent_authorize_with_a_token_or_a_reference_is_no_silent_one() -> None:
    assert read(head("/oauth2/v1/authorize?client_id=spa&prompt=none", "PUT")) == Plain()
    assert read(head("/oauth2/v1/par?client_id=spa&prompt=none", "POST")) == Plain()
    assert read(head("/oauth2/v1/authorize?client_id=spa&prompt=none&request_uri=urn:a")) == PushedByReference(("urn:a",))
