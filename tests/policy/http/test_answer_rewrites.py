"""In which order the head of an app's answer is rewritten, and for whom."""

import pytest

from gateway.policy.http.answer_rewrites import SWITCHING_PROTOCOLS, Rewritten, usual_rewrite
from gateway.policy.http.bound_cookies import BoundCookies
from gateway.policy.http.caching import Use
from gateway.policy.http.messages import Authority, Fields, RequestHead
from gateway.policy.http.rewriting import Rewriting
from gateway.policy.routing.prefixes import Prefixes
from tests.policy.http.stamped_cookies import HR, NAMES

CACHED: Fields = ((b"Cache-Control", b"public, max-age=600"), (b"Content-Type", b"text/html"))


def values(fields: Fields, name: bytes) -> list[bytes]:
    return [value for found, value in fields if found.lower() == name]


@pytest.mark.parametrize("use", list(Use))
def test_an_answer_that_is_nobodys_own_may_be_cached_as_the_app_says(use: Use) -> None:
    rewrite = usual_rewrite(False, use, lambda line: line, None)
    assert values(rewrite(200, CACHED), b"cache-control") == [b"public, max-age=600"]


@pytest.mark.parametrize("use", list(Use))
def test_a_users_own_answer_is_never_kept_for_others(use: Use) -> None:
    rewrite = usual_rewrite(True, use, lambda line: line, None)
    (said,) = values(rewrite(200, CACHED), b"cache-control")
    assert b"public" not in said and (b"private" in said or b"no-store" in said)
    assert values(rewrite(SWITCHING_PROTOCOLS, CACHED), b"cache-control") == [b"public, max-age=600"]


def test_addresses_are_translated_before_cookies_are_stamped() -> None:
    head = RequestHead("GET", "/app/page", Authority("hr.example.com", 443), (), True, "192.0.2.1", "192.0.2.1")
    inner = ("http", Authority("tomcat.internal", 8080))
    rewriting = Rewriting("https://hr.example.com", frozenset([inner]), Prefixes("/payroll", "/app"))
    usual = usual_rewrite(True, Use.PAGE, lambda line: line, None)
    answer = ((b"Location", b"http://tomcat.internal:8080/app/in"), (b"Set-Cookie", b"JSESSIONID=a1; Path=/app"))
    neither = Rewritten(usual, None, None)(200, answer)
    translated = Rewritten(usual, rewriting, None)(200, answer)
    both = Rewritten(usual, rewriting, BoundCookies(NAMES, HR, head, "00u-alice"))(200, answer)
    assert values(neither, b"location") == [b"http://tomcat.internal:8080/app/in"]
    assert values(translated, b"location") == values(both, b"location") == [b"https://hr.example.com/payroll/in"]
    assert values(translated, b"set-cookie") == [b"JSESSIONID=a1; Path=/payroll"]
    (stamped,) = values(both, b"set-cookie")
    assert stamped.startswith(b"JSESSIONID=") and stamped.endswith(b"; Path=/payroll") and b"=a1;" not in stamped
