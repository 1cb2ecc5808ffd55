"""The Authentication API's answers that ask for a first factor.

Owns: the content of answers in the states MFA_ENROLL and MFA_ENROLL_ACTIVATE.
Must never: change a sign-in.
Rules: Okta's Authentication API, "Enroll factor" and "Activate factor" (`activation.sharedSecret` in base32).
"""

from gateway.dev.standin.accounts import STEP_SECONDS, TYPES, Factor
from gateway.dev.standin.call import Call

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
