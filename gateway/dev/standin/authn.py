"""The Authentication API: checks a password, a new password and a factor as needed, and issues a session token at the end.

Owns: `/api/v1/authn` and below: the state of a sign-in, and which call leads to the next state.
Must never: open a session, or answer a wrong login differently from a wrong password.
Rules: Okta's Authentication API (`activation.sharedSecret` is in base32).

    POST authn ─▶ LOCKED_OUT
         │ password expired          ┌──── previous ────┐
         ├─▶ PASSWORD_EXPIRED ─new──▶│                  │
         ├── none yet ─▶ MFA_ENROLL ─▶ MFA_ENROLL_ACTIVATE ─code─▶ SUCCESS
         ├───────── factors ─────▶ MFA_REQUIRED ─push─▶ MFA_CHALLENGE (WAITING, REJECTED, TIMEOUT)
         │                           │ code             │ poll: approved
         └───────────────────────────┴──────────────────┴─▶ SUCCESS, with the session token
"""

from aiohttp import web

from gateway.dev.standin import step_up
from gateway.dev.standin.accounts import STEP_SECONDS, TYPES, Factor
from gateway.dev.standin.answers import ErrorAnswer, error, error_with_cause, json_answer
from gateway.dev.standin.call import Call
from gateway.dev.standin.clock import whole_seconds
from gateway.dev.standin.credentials import embedded_user, has_password
from gateway.dev.standin.transactions import Transaction
from gateway.dev.standin.users import User

_SHORTEST_PASSWORD = 8
_WRONG_CODE = "Your token doesn't match our records. Please try again."


def authenticate(call: Call) -> web.Response:
    """Check login and password, or return the state of the transaction of a `stateToken`; 401 E0000004 for a wrong login or password."""
    payload = call.payload()
    if payload is None:
        return error("E0000003")
    if isinstance(token := payload.get("stateToken"), str):
        transaction = call.org.transactions.meaning(token)
        return _state(call, token, transaction) if transaction is not None else _stepped_up(call, token)
    login, password = payload.get("username"), payload.get("password")
    if not isinstance(login, str) or not isinstance(password, str):
        return error("E0000001", "authRequest")
    user = call.org.user(login)
    if user is not None and call.org.accounts.of(user).is_locked:
        return json_answer({"status": "LOCKED_OUT", "_embedded": {}, "_links": {"next": _link(call, "unlock", "recovery/unlock")}})
    if user is None or not has_password(call.org, login, password):
        return error("E0000004")
    if call.org.accounts.of(user).status == "PASSWORD_EXPIRED":
        return _begun(call, Transaction(user, "PASSWORD_EXPIRED"))
    return _after_password(call, user)


def _stepped_up(call: Call, token: str) -> web.Response:
    """After the password of a step-up, ask for the user's factor, if there is one."""
    living = step_up.living(call.org, token)
    was_verified = living is not None and living.is_verified
    answer = step_up.authenticate(call, token)
    if living is None or was_verified or not living.is_verified or not call.org.accounts.of(living.session.user).factors:
        return answer
    living.is_verified = False
    transaction = Transaction(living.session.user, "MFA_REQUIRED", is_step_up=True)
    call.org.transactions.adopt(token, transaction)
    return _state(call, token, transaction)


def _after_password(call: Call, user: User) -> web.Response:
    account = call.org.accounts.of(user)
    if account.factors:
        return _begun(call, Transaction(user, "MFA_REQUIRED"))
    if account.must_enroll:
        return _begun(call, Transaction(user, "MFA_ENROLL"))
    return _succeeded(call, user, by_factor=False)


def _begun(call: Call, transaction: Transaction) -> web.Response:
    return _state(call, call.org.transactions.issue(transaction), transaction)


def enroll(call: Call) -> web.Response:
    """Begin to set up the factor that the body names; 400 for a kind that the org does not have."""
    token, transaction = _under_way(call)
    if transaction.state != "MFA_ENROLL":
        return error("E0000079")
    if (call.payload() or {}).get("factorType") != TYPES["totp"]:
        return error("E0000001", "factorType")
    transaction.state, transaction.enrolling = "MFA_ENROLL_ACTIVATE", Factor("totp")
    return _state(call, token, transaction)


def activate(call: Call) -> web.Response:
    """Check the first `passCode` of a new factor. If it is right, the user has this factor, and the sign-in is complete."""
    token, transaction = _under_way(call)
    factor = transaction.enrolling
    if factor is None or factor.id != call.path_names["id"]:
        return error("E0000007", f"{call.path_names['id']} (UserFactor)")
    code = (call.payload() or {}).get("passCode")
    if not isinstance(code, str) or not factor.accepts(code, call.org.clock.now()):
        return error_with_cause("E0000068", _WRONG_CODE)
    call.org.accounts.of(transaction.user).factors.append(factor)
    return _verified(call, token, transaction)


def _under_way(call: Call) -> tuple[str, Transaction]:
    """Return the `stateToken` of the body and its transaction; refuse a dead one with 401 E0000011."""
    token = (call.payload() or {}).get("stateToken")
    transaction = call.org.transactions.meaning(token) if isinstance(token, str) else None
    if not isinstance(token, str) or transaction is None:
        raise ErrorAnswer(error("E0000011"))
    return token, transaction


def verify(call: Call) -> web.Response:
    """Check a `passCode`, send a push, or return its result; 403 E0000068 for a wrong code, E0000069 for one too many."""
    token, transaction = _under_way(call)
    account = call.org.accounts.of(transaction.user)
    factor = account.factor(call.path_names["id"])
    if factor is None:
        return error("E0000007", f"{call.path_names['id']} (UserFactor)")
    if account.is_locked:
        return error("E0000069")
    if transaction.state == "PASSWORD_EXPIRED":
        return error("E0000079")
    if factor.kind == "push":
        return _pushed(call, token, transaction, factor)
    code = (call.payload() or {}).get("passCode")
    if not isinstance(code, str) or not factor.accepts(code, call.org.clock.now()):
        account.failed()
        return error("E0000069") if account.is_locked else error_with_cause("E0000068", _WRONG_CODE)
    return _verified(call, token, transaction)


def _pushed(call: Call, token: str, transaction: Transaction, factor: Factor) -> web.Response:
    if transaction.state != "MFA_CHALLENGE":
        factor.ask(call.org.clock.now())
        transaction.state, transaction.factor_id = "MFA_CHALLENGE", factor.id
    elif factor.answer_now(call.org.clock.now()) == "SUCCESS":
        return _verified(call, token, transaction)
    return _state(call, token, transaction)


def resend(call: Call) -> web.Response:
    """Send the push again."""
    _, transaction = _under_way(call)
    transaction.state = "MFA_REQUIRED"
    return verify(call)


def _verified(call: Call, token: str, transaction: Transaction) -> web.Response:
    call.org.accounts.of(transaction.user).succeeded()
    call.org.transactions.spend(token)
    if not transaction.is_step_up:
        return _succeeded(call, transaction.user, by_factor=True)
    living = step_up.living(call.org, token)
    if living is None:
        return error("E0000011")
    living.is_verified = True
    return step_up.authenticate(call, token)


def change_password(call: Call) -> web.Response:
    """Replace an expired password; 403 E0000014 when the old one is wrong or the new one too short."""
    token, transaction = _under_way(call)
    payload = call.payload() or {}
    old, new = payload.get("oldPassword"), payload.get("newPassword")
    if transaction.state != "PASSWORD_EXPIRED":
        return error("E0000079")
    if not isinstance(old, str) or not call.org.accounts.has_password(transaction.user, old):
        return error_with_cause("E0000014", "Old Password is not correct")
    if not isinstance(new, str) or len(new) < _SHORTEST_PASSWORD or new == old:
        return error_with_cause("E0000014", "Password requirements were not met.")
    account = call.org.accounts.of(transaction.user)
    account.password, account.status = new, "ACTIVE"
    call.org.transactions.spend(token)
    return _after_password(call, transaction.user)


def previous(call: Call) -> web.Response:
    """Leave a waiting push, and let the user choose a factor again."""
    token, transaction = _under_way(call)
    if transaction.state == "MFA_CHALLENGE":
        transaction.state, transaction.factor_id = "MFA_REQUIRED", None
    return _state(call, token, transaction)


def cancel(call: Call) -> web.Response:
    """End the transaction. A session token that was issued stays valid, because its `cancel` link names no state."""
    token, _ = _under_way(call)
    call.org.transactions.spend(token)
    return json_answer({"relayState": None})


def _succeeded(call: Call, user: User, *, by_factor: bool) -> web.Response:
    token = call.org.session_tokens.issue(user)
    if by_factor:
        call.org.proven_factors.adopt(token, True)
    return json_answer(
        {
            "expiresAt": whole_seconds(call.org.session_tokens.expires_at(token)),
            "status": "SUCCESS",
            "sessionToken": token,
            "_embedded": {"user": embedded_user(user)},
            "_links": {"cancel": _link(call, None, "cancel")},
        }
    )


def _state(call: Call, token: str, transaction: Transaction) -> web.Response:
    """Return the answer for the current state of a transaction."""
    embedded: dict[str, object] = {"user": embedded_user(transaction.user)}
    links: dict[str, object] = {"cancel": _link(call, None, "cancel")}
    state: dict[str, object] = {
        "stateToken": token,
        "expiresAt": whole_seconds(call.org.transactions.expires_at(token)),
        "status": transaction.state,
    }
    factors = call.org.accounts.of(transaction.user).factors
    if transaction.state in ("MFA_ENROLL", "MFA_ENROLL_ACTIVATE"):
        more, own_links = enrollment(call, transaction.enrolling)
        embedded, links = embedded | more, links | own_links
    elif transaction.state == "PASSWORD_EXPIRED":
        embedded["policy"] = {"complexity": {"minLength": _SHORTEST_PASSWORD}}
        links["next"] = _link(call, "changePassword", "credentials/change_password")
    elif transaction.state == "MFA_REQUIRED":
        embedded["factors"] = [_factor(call, factor) | {"_links": {"verify": _verify_link(call, factor, None)}} for factor in factors]
        embedded["policy"] = {"allowRememberDevice": False, "rememberDeviceLifetimeInMinutes": 0, "rememberDeviceByDefault": False}
    else:
        waiting = next(factor for factor in factors if factor.id == transaction.factor_id)
        state["factorResult"] = waiting.answer_now(call.org.clock.now())
        embedded["factor"] = _factor(call, waiting)
        is_waiting = state["factorResult"] == "WAITING"
        links["next"] = _verify_link(call, waiting, "poll" if is_waiting else "verify")
        links["prev"] = _link(call, None, "previous")
        links["resend"] = [_link(call, "push", f"factors/{waiting.id}/verify/resend")]
    return json_answer(state | {"_embedded": embedded, "_links": links})


def _factor(call: Call, factor: Factor) -> dict[str, object]:
    device = {"credentialId": factor.id, "deviceType": "SmartPhone_Android", "name": "Phone", "platform": "ANDROID", "version": "30"}
    return {
        "id": factor.id,
        "factorType": TYPES[factor.kind],
        "provider": "OKTA" if factor.kind == "push" else "GOOGLE",
        "vendorName": "OKTA" if factor.kind == "push" else "GOOGLE",
        "profile": device if factor.kind == "push" else {"credentialId": factor.id},
    }


def _verify_link(call: Call, factor: Factor, name: str | None) -> dict[str, object]:
    return _link(call, name, f"factors/{factor.id}/verify")


def _link(call: Call, name: str | None, path: str) -> dict[str, object]:
    own = {"name": name} if name is not None else {}
    return {**own, "href": f"{call.origin}/api/v1/authn/{path}", "hints": {"allow": ["POST"]}}


Part = dict[str, object]


def enrollment(call: Call, factor: Factor | None) -> tuple[Part, Part]:
    """Return what is embedded, and the links: the factors that may be set up, or the one that waits for its first code."""
    base = f"{call.origin}/api/v1/authn/factors"
    named: Part = {"factorType": TYPES["totp"], "provider": "GOOGLE", "vendorName": "GOOGLE"}
    if factor is None:
        enroll = {"enroll": {"href": base, "hints": {"allow": ["POST"]}}}
        return {"factors": [named | {"status": "NOT_SETUP", "enrollment": "REQUIRED", "_links": enroll}]}, {}
    secret: Part = {"timeStep": int(STEP_SECONDS), "sharedSecret": factor.shared_secret, "encoding": "base32", "keyLength": 6}
    shown = named | {"id": factor.id, "profile": {"credentialId": factor.id}, "_embedded": {"activation": secret}}
    activate = {"name": "activate", "href": f"{base}/{factor.id}/lifecycle/activate", "hints": {"allow": ["POST"]}}
    return {"factor": shown}, {"next": activate}
