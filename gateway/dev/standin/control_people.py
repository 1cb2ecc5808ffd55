"""The control paths about users: accounts, factors and pushes, activations, administrators, and the clients and apps that they use.

Owns: the orders below. control.py checks who may give them.

    POST /accounts            {"login": …, "status": "LOCKED_OUT"}: also ACTIVE (unlocked, too), PASSWORD_EXPIRED, MFA_ENROLL (none yet)
    POST /factors             {"login": …, "kind": "totp"}: one more factor, "totp" or "push"; the answer has its id and shared secret
    POST /pushes              {"login": …, "result": "SUCCESS"}: the phone answers what waits; also REJECTED, TIMEOUT
    POST /activations         {"login": …}: the token and the address of an activation link
    POST /administrators      {"login": …}: this user's own session may call the API of administrators
    POST /clients             {"client_id": …, "redirect_uris": […], …}: from now on registered clients alone are known (clients.py)
    POST /apps                {"id": …, "address": "https://…", "audience": …, "kind": "saml"}: an app of these links (sso_apps.py)

Must never: answer a request that control.py did not check.
"""

from collections.abc import Callable, Mapping

from aiohttp import web

from gateway.dev.standin.answers import json_answer, no_content
from gateway.dev.standin.call import Call
from gateway.dev.standin.clients import client_of
from gateway.dev.standin.orders import one_of, order, text, user
from gateway.dev.standin.sso_apps import app_of


def _set_status(call: Call) -> web.Response:
    account = call.org.accounts.of(user(call))
    match one_of(call, "status", "ACTIVE", "LOCKED_OUT", "PASSWORD_EXPIRED", "MFA_ENROLL"):
        case "MFA_ENROLL":
            account.must_enroll = True
        case "LOCKED_OUT":
            account.status = "LOCKED_OUT"
        case "PASSWORD_EXPIRED":
            account.status = "PASSWORD_EXPIRED"
        case _:
            account.status = "ACTIVE"
            account.succeeded()
    return no_content()


def _enroll(call: Call) -> web.Response:
    kind = one_of(call, "kind", "totp", "push")
    factor = call.org.accounts.enroll(user(call), "push" if kind == "push" else "totp")
    return json_answer({"id": factor.id, "kind": kind, "sharedSecret": factor.shared_secret}, 201)


def _answer_push(call: Call) -> web.Response:
    match one_of(call, "result", "SUCCESS", "REJECTED", "TIMEOUT"):
        case "SUCCESS":
            call.org.accounts.answer_push(user(call), "SUCCESS")
        case "REJECTED":
            call.org.accounts.answer_push(user(call), "REJECTED")
        case _:
            call.org.accounts.answer_push(user(call), "TIMEOUT")
    return no_content()


def _issue_activation(call: Call) -> web.Response:
    token = call.org.activation_token(text(call, "login"))
    return json_answer({"activationToken": token, "activationUrl": f"{call.origin}/welcome/{token}"}, 201)


def _appoint(call: Call) -> web.Response:
    call.org.administrators.add(user(call).login)
    return no_content()


def _register(call: Call) -> web.Response:
    call.org.clients.register(client_of(order(call)))
    return no_content()


def _register_app(call: Call) -> web.Response:
    call.org.apps.register(app_of(order(call)))
    return no_content()


PEOPLE: Mapping[tuple[str, str], Callable[[Call], web.Response]] = {
    ("POST", "/accounts"): _set_status,
    ("POST", "/factors"): _enroll,
    ("POST", "/pushes"): _answer_push,
    ("POST", "/activations"): _issue_activation,
    ("POST", "/administrators"): _appoint,
    ("POST", "/clients"): _register,
    ("POST", "/apps"): _register_app,
}
