"""A form of another site: the assertion in it is not searched, and what is left is short or the form is refused."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.switch.foreign_forms import LONGEST_REST, LONGEST_WHOLE, return_parameters
from gateway.policy.switch.org_parameters import MOST_PARAMETERS

ASSERTION = b"SAMLResponse=" + b"P" * 200_000


def test_an_assertion_is_left_out_of_a_long_form_and_the_return_address_stays() -> None:
    assert return_parameters(ASSERTION + b"&RelayState=%2Fhome") == b"RelayState=%2Fhome"
    assert return_parameters(b"%53AMLResponse=" + b"P" * 200_000 + b"&a=b&RelayState=x") == b"a=b&RelayState=x"


def test_a_short_form_is_looked_at_whole() -> None:
    form = b"SAMLResponse=P&RelayState=".ljust(LONGEST_WHOLE, b"x")
    assert return_parameters(form) == form
    assert return_parameters(form + b"x") == form[len(b"SAMLResponse=P&") :] + b"x"


def test_a_long_form_of_anything_else_is_refused() -> None:
    assert return_parameters(b"RelayState=" + b"P" * LONGEST_REST) is None
    assert return_parameters(b"RelayState=" + b"P" * (LONGEST_REST - 11)) is not None
    assert return_parameters(b"&" * (MOST_PARAMETERS + 1) + b"P" * LONGEST_WHOLE) is None
    assert return_parameters(b"x" * 100 + b"SAMLResponse=" + b"P" * LONGEST_REST) is None


@given(st.lists(st.binary(max_size=30).filter(lambda pair: b"&" not in pair), max_size=8))
def test_nothing_but_assertions_is_lost(pairs: list[bytes]) -> None:
    rest = return_parameters(b"&".join([ASSERTION, *pairs]))
    named = [pair for pair in pairs if pair.partition(b"=")[0].strip().lower() not in (b"code", b"wresult")]
    assert rest is not None and all(pair in rest.split(b"&") or b"%" in pair or not pair.isascii() for pair in named)
