"""Quirks: bad habits of real orgs that a test can switch on by name.

Owns: their names.
Must never: hold their code. Each quirk is carried out by the module that it changes.
Sources: beside the names.
"""

from collections.abc import Mapping
from types import MappingProxyType

TOKEN_OVERRIDES_COOKIE = "token-overrides-cookie"
DELETE_404_LEAVES_SID = "delete-404-leaves-sid"
SID_NOISE = "sid-noise"
IDX_ROTATES = "idx-rotates"
FORBIDDEN_BUT_ACTIVE = "forbidden-but-active"
IDP_MISSING = "idp-missing"
BY_ID_IGNORES_IDX = "by-id-ignores-idx"

QUIRKS: Mapping[str, str] = MappingProxyType(
    {
        TOKEN_OVERRIDES_COOKIE: "a token wins over a live session; an invalid token ends that session (early access of 2018)",
        DELETE_404_LEAVES_SID: "DELETE /sessions/me with sid and idx ends the idx half, answers 404 and leaves sid alive (OKTA-1163605)",
        SID_NOISE: "a sign-in deletes sid twice before and between setting it twice, and every answer sets JSESSIONID and t anew",
        IDX_ROTATES: "idx gets a new value at every OAuth authorize with a live session; the old value is dead at once",
        FORBIDDEN_BUT_ACTIVE: "GET /sessions/me answers 403 while the session is active (OKTA-626522)",
        IDP_MISSING: "the Session object has no idp (always so on Identity Engine)",
        BY_ID_IGNORES_IDX: "calls by session id, and delete_sessions, act on the sid half alone (before 2025.10)",
    }
)
