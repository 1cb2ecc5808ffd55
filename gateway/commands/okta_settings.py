"""`hook`: prints what to enter in Okta's admin console for the event hook and Universal Logout.

Must never print a secret.
"""

from collections.abc import Iterator

from gateway.config import Settings
from gateway.doors.hooks.event_hook import EVENT_HOOK_PATH
from gateway.doors.hooks.universal_logout import UNIVERSAL_LOGOUT_PATH
from gateway.policy.hooks.okta_events import ASKS, BEGINS, ENDS


def okta_settings(settings: Settings) -> Iterator[str]:
    """The lines to print for both features, configured or not."""
    config = settings.config
    yield "Event hook (Admin Console: Workflow > Event Hooks > Create Event Hook)"
    if config.hooks.okta_secret_file:
        yield f"  URL                   {config.login.url}{EVENT_HOOK_PATH}"
        yield "  Authentication field  Authorization"
        yield f"  Authentication secret a line of {config.hooks.okta_secret_file}, exactly as it stands there"
        yield "  Events                each of these:"
        for what, kinds in (("shows that the hook works", BEGINS), ("Okta is asked again", ASKS), ("ends sessions", ENDS)):
            yield from (f"    {kind:<36} {what}" for kind in sorted(kinds))
        yield "  Then press Verify: Okta asks this address once, and the running gateway answers."
        yield from _ttl(config.session.ttl_with_hook)
    else:
        yield "  not configured: write a secret (openssl rand -base64 32) into a file, and name it in hooks.okta_secret_file"
    yield ""
    yield "Universal Logout (the app's page: Authentication > Logout > Global Token Revocation; needs an OIDC app)"
    if config.hooks.universal_logout_apps:
        yield f"  Logout endpoint URL          {config.login.url}{UNIVERSAL_LOGOUT_PATH}"
        yield "  Endpoint authentication type Signed JWT"
        yield "  Subject format               Issuer and Subject Identifier; or Email Identifier, where logins are e-mail addresses"
        yield f"  Apps                         {', '.join(config.hooks.universal_logout_apps)}"
    else:
        yield "  not configured: name the client id of an OIDC app of the org in hooks.universal_logout_apps"


def _ttl(seconds: float) -> Iterator[str]:
    if seconds <= 0:
        yield '  session.ttl_with_hook is off; "15m" would ask Okta far less often while the hook works.'
