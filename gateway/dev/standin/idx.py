"""Identity Engine's sign-in API for scripts: name, password and factor, with answers in the ION format.

Owns: `…/v1/interact`, `/idp/idx/introspect`, `identify`, `challenge`, `challenge/answer`, `authenticators/poll`, `cancel`.
Must never: close the session that the browser came with.
Rules: okta-auth-js `lib/idx` (the address and the body of each step; `success` with the address that completes a sign-in at the org's own
page, `successWithInteractionCode` for a client). Name and password are sent in one step; Okta's `identify` accepts this too, if the
policy asks for it. A script may call `identify` without an earlier step. In Okta a policy decides whether a living session replaces the
password; here it never does.

    interact ─▶ introspect ─▶ identify ─▶ [two factors: challenge] ─▶ challenge/answer, or authenticators/poll ─▶ success
                    ▲            │ wrong: the same step, with a message                     │
                    └── cancel ──┴──────────────────────────────────────────────────────────┘
"""

from aiohttp import web

from gateway.dev.standin import ion, step_up
from gateway.dev.standin.accounts import Factor
from gateway.dev.standin.answers import ErrorAnswer, error, json_answer, with_cookies
from gateway.dev.standin.call import Call
from gateway.dev.standin.client_auth import oauth_error, required_client
from gateway.dev.standin.credentials import has_password
from gateway.dev.standin.idx_answers import answer_of, expired, rejected, succeeded, succeeded_for_client
from gateway.dev.standin.oauth import grant_of
from gateway.dev.standin.oauth_requests import problem, redirect_address
from gateway.dev.standin.oauth_tokens import issuer_of
from gateway.dev.standin.presence import begin
from gateway.dev.standin.transactions import Interaction, StepUp
from gateway.dev.standin.users import User


def interact(call: Call) -> web.Response:
    """Begin a client's sign-in: 200 with its `interaction_handle`; 400 with OAuth's error code for a wrong request."""
    parameters = (*call.parameters, ("response_type", "code"))
    client = required_client(call)
    if redirect_address(call, client, parameters) is None:
        return oauth_error("invalid_request", "The 'redirect_uri' parameter must be a Login redirect URI in the client app settings.")
    wrong = problem(call, client, parameters)
    if wrong is not None:
        return oauth_error(*wrong)
    token = call.org.interactions.issue(Interaction(parameters, issuer_of(call)))
    return json_answer({"interaction_handle": call.org.interaction_handles.issue(token)})


def introspect(call: Call) -> web.Response:
    """Answer with the current step of a sign-in; 401 with a message if it is over."""
    payload = call.payload() or {}
    handle = payload.get("interactionHandle")
    token = call.org.interaction_handles.meaning(handle) if isinstance(handle, str) else None
    token = token or ion.token_of(payload.get("stateToken") or payload.get("stateHandle"))
    interaction = call.org.interactions.meaning(token)
    if interaction is None and step_up.living(call.org, token) is not None:
        interaction = call.org.interactions.meaning(call.org.interactions.adopt(token, Interaction()))
    return expired(call) if interaction is None else answer_of(call, token, interaction)


def identify(call: Call) -> web.Response:
    """Check `identifier` and `credentials.passcode`: `success` and the cookies of a new session, the next step, or 401 with a message.

    This answer already sets the cookies. `success.href` leads to `/login/token/redirect`, for browsers that did not get them. If
    `stateHandle` begins with the `stateToken` of a living session's step-up, the passcode verifies that transaction instead, and no
    session begins. 404 E0000008 on Classic Engine, 400 E0000003 for a body that is not the expected JSON.
    """
    payload = call.payload() or {}
    login, credentials, handle = payload.get("identifier"), payload.get("credentials"), payload.get("stateHandle")
    passcode = credentials.get("passcode") if isinstance(credentials, dict) else None
    token = ion.token_of(handle)
    transaction = step_up.living(call.org, token)
    if transaction is not None:
        return _proven(call, token, transaction, login, passcode)
    if not isinstance(login, str) or not isinstance(passcode, str):
        return error("E0000003")
    interaction = call.org.interactions.meaning(token)
    if interaction is None:
        token, interaction = _new(call)
    user = call.org.user(login)
    if user is None or not has_password(call.org, login, passcode):
        return rejected(call, token, interaction)
    account = call.org.accounts.of(user)
    if account.status != "ACTIVE":
        return rejected(call, token, interaction)
    interaction.user = user
    if not account.factors:
        return _succeeded(call, token, interaction, user, by_factor=False)
    if len(account.factors) > 1:
        interaction.step = "select"
    else:
        _choose(call, interaction, account.factors[0])
    return answer_of(call, token, interaction)


def _new(call: Call) -> tuple[str, Interaction]:
    interaction = Interaction()
    return call.org.interactions.issue(interaction), interaction


def _proven(call: Call, token: str, transaction: StepUp, login: object, passcode: object) -> web.Response:
    transaction.is_verified |= step_up.is_proven(call, transaction, login, passcode)
    if not transaction.is_verified:
        return rejected(call, token, Interaction())
    return succeeded(call, token, transaction.session.user, call.org.step_ups.expires_at(token))


def _under_way(call: Call) -> tuple[str, Interaction, User]:
    """Return the sign-in of the body's `stateHandle`, if its password was right; refuse any other as expired."""
    token = ion.token_of((call.payload() or {}).get("stateHandle"))
    interaction = call.org.interactions.meaning(token)
    if interaction is None or interaction.user is None:
        raise ErrorAnswer(expired(call))
    return token, interaction, interaction.user


def challenge(call: Call) -> web.Response:
    """Choose the factor of the body's `authenticator.id`. For a push factor, send the push."""
    token, interaction, user = _under_way(call)
    chosen = (call.payload() or {}).get("authenticator")
    name = chosen.get("id") if isinstance(chosen, dict) else None
    for factor in call.org.accounts.of(user).factors:
        if ion.authenticator(factor)["id"] == name:
            _choose(call, interaction, factor)
    return answer_of(call, token, interaction)


def _choose(call: Call, interaction: Interaction, factor: Factor) -> None:
    interaction.factor_id = factor.id
    interaction.step = "push" if factor.kind == "push" else "code"
    if factor.kind == "push":
        factor.ask(call.org.clock.now())


def answer_challenge(call: Call) -> web.Response:
    """Check the code of the chosen factor."""
    token, interaction, user = _under_way(call)
    account = call.org.accounts.of(user)
    factor = account.factor(interaction.factor_id or "")
    credentials = (call.payload() or {}).get("credentials")
    code = credentials.get("passcode") if isinstance(credentials, dict) else None
    is_right = factor is not None and factor.kind == "totp" and isinstance(code, str) and not account.is_locked
    if factor is not None and is_right and factor.accepts(str(code), call.org.clock.now()):
        return _succeeded(call, token, interaction, user, by_factor=True)
    account.failed()
    return rejected(call, token, interaction)


def poll(call: Call) -> web.Response:
    """Answer with the state of the push: the same step while it waits, the choice of factors again after a refusal."""
    token, interaction, user = _under_way(call)
    factor = call.org.accounts.of(user).factor(interaction.factor_id or "")
    result = factor.answer_now(call.org.clock.now()) if factor is not None and interaction.step == "push" else None
    if result == "SUCCESS":
        return _succeeded(call, token, interaction, user, by_factor=True)
    if result == "WAITING":
        return answer_of(call, token, interaction)
    interaction.step = "select"
    return rejected(call, token, interaction, "You have chosen to reject this login.", "auth.factor.push.rejected")


def cancel(call: Call) -> web.Response:
    """End the sign-in and begin it again for the same client, with the first step and a new handle."""
    token = ion.token_of((call.payload() or {}).get("stateHandle"))
    interaction = call.org.interactions.spend(token)
    if interaction is None:
        return expired(call)
    again = Interaction(interaction.parameters, interaction.issuer, target=interaction.target)
    return answer_of(call, call.org.interactions.issue(again), again)


def _succeeded(call: Call, token: str, interaction: Interaction, user: User, *, by_factor: bool) -> web.Response:
    call.org.accounts.of(user).succeeded()
    call.org.interactions.spend(token)
    arrival = begin(call.org, call.cookies, user, by_factor=by_factor)
    if arrival.session is not None and interaction.parameters:
        call.path_names = {**call.path_names, **_server_of(interaction.issuer)}
        code = call.org.interaction_codes.issue(grant_of(call, interaction.parameters, arrival.session))
        return with_cookies(succeeded_for_client(call, token, interaction, user, code), arrival.set_cookies)
    call.org.state_tokens.adopt(token, user)
    if interaction.target is not None:
        call.org.page_targets.adopt(token, interaction.target)
    if by_factor:
        call.org.proven_factors.adopt(token, True)
    return with_cookies(succeeded(call, token, user, call.org.state_tokens.expires_at(token)), arrival.set_cookies)


def _server_of(issuer: str) -> dict[str, str]:
    server = issuer.partition("/oauth2/")[2]
    return {"server": server} if server else {}
