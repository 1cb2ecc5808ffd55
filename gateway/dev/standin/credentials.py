"""The check of login and password.

Owns: the check of a password, and the user as the Authentication API embeds it.
Must never: open a session.
Rules: Authentication API (User object).
"""

from gateway.dev.standin.call import Call
from gateway.dev.standin.org import Org
from gateway.dev.standin.users import User


def signed(call: Call, login: str, password: str) -> User | None:
    """Return the user of this login and password, if nothing else is needed to sign in; else None."""
    user = call.org.user(login)
    if user is None or not has_password(call.org, login, password):
        return None
    account = call.org.accounts.of(user)
    return user if account.status == "ACTIVE" and not account.factors else None


def has_password(org: Org, login: str, password: str) -> bool:
    """Return whether login and password belong to a user. A wrong password is counted."""
    user = org.user(login)
    return user is not None and user.login.lower() == login.lower() and org.accounts.has_password(user, password)


def embedded_user(user: User) -> dict[str, object]:
    """Return the User object of an authentication transaction."""
    profile = {
        "login": user.login,
        "firstName": user.first_name,
        "lastName": user.last_name,
        "locale": "en_US",
        "timeZone": "America/Los_Angeles",
    }
    return {"id": user.id, "passwordChanged": "2020-01-01T00:00:00.000Z", "profile": profile}
