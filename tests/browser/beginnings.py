"""Owns the ways in which a session begins at the org without a token, as a person with a real browser goes them.

Each way ends when the browser has the org's answer, and says what became of it.
"""

from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import urlencode

from playwright.async_api import expect

from tests.browser.other_site import OtherSite, form_that_sends_itself
from tests.browser.visitor import PASSWORD, Visitor
from tests.dev.standin.sign_ins_without_token import saml_response

Way = Callable[[Visitor, OtherSite, str], Coroutine[Any, Any, None]]

_IDENTIFY = """async ([identifier, passcode]) => {
  const answer = await fetch("/idp/idx/identify", {
    method: "POST", headers: { "Content-Type": "application/json", "Accept": "application/ion+json; okta-version=1.0.0" },
    body: JSON.stringify({ identifier, credentials: { passcode } }),
  })
  return answer.status
}"""


async def by_form(visitor: Visitor, elsewhere: OtherSite, login: str) -> None:
    """An app sends the browser to the org with `prompt=login`; the org asks over the living session too, by a plain form."""
    where = visitor.stage.where
    visitor.stage.org.has_sign_in_script = False
    asked = {"client_id": "0oaForm", "response_type": "code", "scope": "openid", "prompt": "login", "redirect_uri": f"{where.app}/"}
    await visitor.page.goto(f"{where.login}/oauth2/v1/authorize?{urlencode(asked)}")
    await expect(visitor.page.locator("#username")).to_be_visible()
    await visitor.signs_in_by_password(login)


async def by_saml(visitor: Visitor, elsewhere: OtherSite, login: str) -> None:
    """Another site's page posts an identity provider's answer, by itself."""
    action = f"{visitor.stage.where.login}/sso/saml2/0oaIdp"
    elsewhere.show("/idp", form_that_sends_itself(action, SAMLResponse=saml_response(login), RelayState="/app/UserHome"))
    async with visitor.page.expect_navigation(url=f"{visitor.stage.where.login}/**"):
        await visitor.page.goto(f"{elsewhere.at('evil.localhost')}/idp", wait_until="commit")


async def by_script(visitor: Visitor, elsewhere: OtherSite, login: str) -> None:
    """A page of the login host signs in by a script, without any navigation. Identity Engine alone."""
    await visitor.page.goto(f"{visitor.stage.where.login}/app/UserHome")
    answered: Any = await visitor.page.evaluate(_IDENTIFY, [login, PASSWORD])
    assert answered in (200, 503)


async def by_activation(visitor: Visitor, elsewhere: OtherSite, login: str) -> None:
    """A mailed link for a new user's first sign-in."""
    await visitor.page.goto(f"{visitor.stage.where.login}/welcome/{visitor.stage.org.activation_token(login)}")


WAYS: dict[str, Way] = {"form": by_form, "saml": by_saml, "script": by_script, "activation": by_activation}
ON_EACH_ENGINE = [(engine, way) for engine in ("classic", "identity") for way in WAYS if (engine, way) != ("classic", "script")]
