"""An app with rules, and hypothesis strategies for rules and paths."""

from hypothesis import strategies as st

from gateway.policy.http.messages import Authority
from gateway.policy.routing.routing import Access, App, Rule

rules = st.builds(
    Rule,
    st.sampled_from(["/**", "/public/**", "/admin", "/admin/**", "/*", "/a/*"]),
    st.sampled_from(Access),
    st.none() | st.frozensets(st.sampled_from(["GET", "POST"])),
    st.none() | st.frozensets(st.sampled_from(["a@x.com", "B@x.com", "a@y.com", "@x.com", "@Y.com", "root"])),
    st.none() | st.frozensets(st.sampled_from(["pwd", "mfa"])),
    st.none() | st.integers(0, 99),
)

HR = App("hr", "https://hr.example.com", Authority("hr.example.com", 443))


def app(*of: Rule, case_insensitive: bool = False, overrides: frozenset[bytes] = frozenset()) -> App:
    return App("hr", HR.origin, HR.authority, of, case_insensitive, overrides=overrides)


PIECES = """/ a B . .. %2e %2E %2F %2f %5c %00 %0a %7F ; x % %25 %252e %41 %c0%ae %ff %e2%82%ac %20 * ~ %7e = %3F %23 public admin
.gateway %zz \u00e9 \ud800"""

paths = st.lists(st.sampled_from(PIECES.split()), max_size=9).map(lambda parts: "/" + "".join(parts))
