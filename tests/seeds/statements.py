"""The 73 statements of the five seeds, in their order.

Owns the numbers that names of tests begin with, and where each statement stands: seed and line, counted from 0 and 1 in the order of the
files' names. Says nothing of whether a statement holds: the tests do.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Statement:
    """What a seed says, or asks for; `place` is seed:line."""

    number: int
    place: str
    text: str


STATEMENTS = (
    Statement(1, "0:5, 2:3", "a session cookie opens the org and its apps in a browser"),
    Statement(2, "0:9", "Identity Engine uses `idx`, not `sid`"),
    Statement(3, "0:10", "`/sessions/me` gives the session of the current user"),
    Statement(4, "0:10", "`/sessions/me` tells whether the user is signed in"),
    Statement(5, "0:12", "session cookies are for browsers only"),
    Statement(6, "0:14, 3:26", "browsers that block third-party cookies break some flows"),
    Statement(7, "0:18", "the Sign-In Widget works as configured"),
    Statement(8, "0:18", "the widget gets `idx` in the response, and no token is anywhere"),
    Statement(9, "0:20", "use the SDKs of Identity Engine"),
    Statement(10, "0:22", "a session token still becomes a session"),
    Statement(11, "0:24", "`POST /sessions`, then `sid`, becomes `idx` by itself"),
    Statement(12, "0:26", "operations on the two halves are not always synchronous"),
    Statement(13, "0:26", "an `idx` session is made where a `sid` session is there"),
    Statement(14, "0:26", "a `sid` session over a living `idx` is not supported"),
    Statement(15, "0:28", "`/sessions/me` acts on both cookies"),
    Statement(16, "0:32", "`GET /sessions/{id}`"),
    Statement(17, "0:33", "`POST /sessions/{id}/lifecycle/refresh`"),
    Statement(18, "0:34", "`DELETE /sessions/{id}`"),
    Statement(19, "0:35", "`POST /users/me/lifecycle/delete_sessions`"),
    Statement(20, "0:36", "`POST /sessions?additionalFields=cookieToken`"),
    Statement(21, "0:38", "move to `/sessions/me`"),
    Statement(22, "2:7", "an administrator sets how long a session lives"),
    Statement(23, "2:7", "a session lives until sign-out or the browser's end"),
    Statement(24, "2:11", "a session token works once"),
    Statement(25, "2:11", "a session token dies when it expires"),
    Statement(26, "2:13", "a password, then a second factor, give a session token"),
    Statement(27, "2:13", "three flows exchange a session token for a cookie"),
    Statement(28, "2:15", "session tokens are secrets"),
    Statement(29, "2:19, 2:78, 2:122", "scopes `okta.sessions.read` and `okta.sessions.manage`"),
    Statement(30, "2:33-51", "the answers 200, 400, 403, 404, 429"),
    Statement(31, "2:57-73", "the Session object"),
    Statement(32, "2:111", "the error object, E0000006"),
    Statement(33, "2:80", "revoking a session answers 204"),
    Statement(34, "2:124", "a refresh moves `expiresAt`"),
    Statement(35, "3:7, 3:62-68", "`POST /authn` with options"),
    Statement(36, "3:8, 3:104", "a redirect to the embed link with `?sessionToken=`"),
    Statement(37, "3:10", "the user arrives at the service provider"),
    Statement(38, "3:13, 3:121, 3:146", "the bug: the second user becomes the first"),
    Statement(39, "3:159", "the token should take precedence over the cookie"),
    Statement(40, "3:18", "on Classic Engine the cookie wins"),
    Statement(41, "3:20, 3:166", "`DELETE /sessions/me` takes no parameters and answers 204"),
    Statement(42, "3:32", '`fetch(…, {method: "DELETE", credentials: "include"})` from a page'),
    Statement(43, "3:40, 3:80, 3:171", "the same call from the server answers 404"),
    Statement(44, "3:85-98", "`withCredentials` in axios changes nothing"),
    Statement(45, "3:82, 3:125, 3:178", "`POST /sessions` first, and the embed link asks for a password"),
    Statement(46, "3:110", "a session of one minute as a workaround"),
    Statement(47, "3:115", "the org itself opens signed in afterwards"),
    Statement(48, "3:127, 3:164", "the first user's session must be closed first"),
    Statement(49, "3:131", "the custom domain and the org's own domain have sessions of their own"),
    Statement(50, "3:156", "how to sign out a user who came by an embed link"),
    Statement(51, "3:157", "a second user by an embed link, in the same browser"),
    Statement(52, "3:43-105", "the author's Express and axios portal"),
    Statement(53, "3", "the portal is on another site"),
    Statement(54, "3:119", "any embed link, one that leads to another origin too"),
    Statement(55, "3", "the author has no app of his own"),
    Statement(56, "4:9", "a user authenticates with Okta first"),
    Statement(57, "4:10", "a session opens only assigned apps"),
    Statement(58, "4:10", "the app receives tokens"),
    Statement(59, "4:11", "the app has a session of its own"),
    Statement(60, "4:11", "tokens are kept in `tokenManager`, and make the user authenticated"),
    Statement(61, "4:15", "`offline_access` gives a refresh token"),
    Statement(62, "4:15", "implicit and hybrid flow, and the password grant"),
    Statement(63, "4:17", "a refresh token needs no Okta session"),
    Statement(64, "4:17, 4:21", "a refresh token works until it is revoked"),
    Statement(65, "4:19", "silent renewal in a frame"),
    Statement(66, "4:19", "renewal by redirect"),
    Statement(67, "4:19", "without a session: a prompt, or `prompt=none` fails"),
    Statement(68, "4:19", "silent renewal after a switch"),
    Statement(69, "4:21", "signing out revokes access and refresh token"),
    Statement(70, "4:22", "the end-session endpoint ends the Okta session"),
    Statement(71, "4:23", "the SDKs' methods end one session or both"),
    Statement(72, "0:22", "`/authorize?sessionToken=`"),
    Statement(73, "2:17", "calls by session id from a server, through the gateway"),
)
