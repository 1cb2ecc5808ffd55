"""The ways in which a session begins at the login host without a session token, each as a browser does it.

Owns the requests. Checks nothing. Each way leads to an address of the user's app, if the org allows it.
"""

import json
from collections.abc import Callable, Coroutine
from urllib.parse import urlencode

from tests.dev.standin.sign_ins_without_token import saml_response
from tests.harness.person import HR, LOGIN, NAVIGATION, Person, PersonReply
from tests.harness.system import System, quoted

IDP = "https://idp.example.org"
SAML, FORM, CALLBACK, IDENTIFY = "/sso/saml2/0oaIdp", "/login/login.htm", "/oauth2/v1/authorize/callback", "/idp/idx/identify"
WELCOME = "/welcome/{token}"

Beginning = Callable[[System, Person, str], Coroutine[None, None, PersonReply]]


def saml_form(login: str, relay_state: str = f"{HR}/") -> str:
    """The form that an identity provider lets the browser post."""
    return urlencode({"SAMLResponse": saml_response(login), "RelayState": relay_state})


async def by_saml(place: System, person: Person, login: str, relay_state: str = f"{HR}/") -> PersonReply:
    """An identity provider's page posts its answer, cross-site."""
    fields = {**NAVIGATION, "Origin": IDP}
    return await person.ask(f"{LOGIN}{SAML}", "POST", fields=fields, site="cross-site", body=saml_form(login, relay_state))


async def by_form(place: System, person: Person, login: str) -> PersonReply:
    """The org's own form, with a password."""
    body = urlencode({"username": login, "password": "correct-horse", "fromURI": f"{HR}/"})
    return await person.ask(f"{LOGIN}{FORM}", "POST", fields={**NAVIGATION, "Origin": LOGIN}, site="same-origin", body=body)


async def by_callback(place: System, person: Person, login: str) -> PersonReply:
    """An OpenID provider sends the browser back with a code."""
    return await person.ask(f"{LOGIN}{CALLBACK}?code={quoted(login)}&state=%2Fapp%2FUserHome", site="cross-site")


async def by_activation(place: System, person: Person, login: str) -> PersonReply:
    """An activation link, opened from a mail program."""
    place.journal.unwatched.add(WELCOME)
    return await person.ask(f"{LOGIN}/welcome/{place.org.activation_token(login)}", site="none")


async def by_script(place: System, person: Person, login: str) -> PersonReply:
    """The Identity Engine's sign-in page sends the password by a script."""
    body = json.dumps({"identifier": login, "credentials": {"passcode": "correct-horse"}})
    return await person.script(f"{LOGIN}{IDENTIFY}", "POST", body)


BEGINNINGS: dict[str, Beginning] = {
    "saml": by_saml,
    "form": by_form,
    "callback": by_callback,
    "activation": by_activation,
    "script": by_script,
}
PATHS = {"saml": SAML, "form": FORM, "callback": CALLBACK, "activation": WELCOME, "script": IDENTIFY}
ON_ENGINES = [(engine, way) for engine in ("classic", "identity") for way in BEGINNINGS if way != "script" or engine == "identity"]
"""Each way on each engine that has it."""
