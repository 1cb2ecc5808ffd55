"""Links that lead a browser to the login host, from the user's own site and from another one. Checks nothing by itself."""

from tests.harness.site import NAVIGATE, Site

ME, REDEEM = "/api/v1/sessions/me", "/login/sessionCookieRedirect"
OWN_SITE, OTHER_SITE = NAVIGATE.replace(b"none", b"same-site"), NAVIGATE.replace(b"none", b"cross-site")


def link(token: str, path: str = REDEEM) -> str:
    return f"{path}?token={token}&redirectUrl=%2Fapp%2FUserHome"


def signed_in_at_org(site: Site) -> list[str]:
    return [session.user.login for session in site.org.sessions.active()]
