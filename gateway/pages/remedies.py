"""The words of the plain refusals: one row for each status.

Owns heading, sentence and remedy of BadRequest pages. Must never name a host, a path or a header value of the request. Statuses: RFC 9110
section 15, RFC 6585 section 5.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Remedy:
    """What the user reads for one status: what happened, and what to do."""

    heading: str
    sentence: str
    advice: str


_REMEDIES = {
    400: Remedy(
        "We could not read this request",
        "Something is wrong with the address or the form that your browser sent.",
        "Go back and try again. If you came by a link, ask for a new one.",
    ),
    404: Remedy("There is no page at this address", "It may have been typed wrongly, or the page was moved.", "Start from the home page."),
    405: Remedy("This does not work here", "The page at this address cannot do what your browser asked for.", "Start from the home page."),
    408: Remedy("This took too long", "Your browser did not send everything in time.", "Check your network connection. Then try again."),
    409: Remedy("This is done already", "You did this step before, or another window was faster.", "Start from the home page."),
    413: Remedy("This is too large", "You sent more than this site takes at once.", "Send a smaller file, or send it in parts."),
    414: Remedy("This address is too long", "The link that you opened is longer than this site takes.", "Start from the home page."),
    421: Remedy(
        "We don't know this address",
        "Your browser asked for a site that this server does not have.",
        "Look for a typing error in the address. If the address is right, tell your administrator.",
    ),
    431: Remedy(
        "Your browser has too many cookies for this site",
        "It wants to send all of them, and that is more than this site takes.",
        "Delete the cookies of this site in your browser's settings (often under the icon left of the address). Then try again. "
        "You will have to sign in again. Nothing else is lost.",
    ),
    502: Remedy(
        "Something behind this site does not work",
        "We asked another server for this page, and its answer was of no use.",
        "Wait a moment, then try again.",
    ),
    503: Remedy("This site has too much to do", "It cannot take your request just now.", "Wait a moment, then try again."),
    504: Remedy("The answer took too long", "Another server behind this site did not answer in time.", "Wait a moment, then try again."),
}
_TO_THE_GATEWAY = "Tell your administrator: the server in front must send addresses under /.gateway/ straight to the gateway."
BY_REASON = {
    "no_upstream": Remedy(
        "This page comes from another server",
        "Your request went to the sign-in gateway. The server in front of it should have answered it.",
        "Tell your administrator: the server in front must send only addresses under /.gateway/ here.",
    ),
    "auth_of_auth": Remedy(
        "This site asks itself for permission",
        "The server in front of the gateway asks whether it may ask the gateway.",
        _TO_THE_GATEWAY,
    ),
    "own_path": Remedy(
        "This address belongs to the sign-in", "The server in front of the gateway did not send your request there.", _TO_THE_GATEWAY
    ),
    "nobody": Remedy(
        "Nobody may do this here", "The rules of this site refuse it, whoever you are.", "Go back to the page that you came from."
    ),
    "okta_cookie": Remedy(
        "Your sign-in was copied to this site",
        "Your browser sent a cookie here that belongs to the sign-in alone.",
        "Clear the cookies of this site in your browser, then try again.",
    ),
    "too_many_requests_of_client": Remedy(
        "Too much is open at once",
        "You, or other people in your network, have more pages and downloads open here than this site takes at once.",
        "Close some of them, then try again. If it stays like this, show the lines below to your administrator.",
    ),
    "cross_site": Remedy(
        "We did not do this",
        "Another website asked for it in your name.",
        "If you want it, start from the home page.",
    ),
    "confirmation_expired": Remedy(
        "Your answer came too late", "The question was open for five minutes. Nothing was changed.", "Open the link once more."
    ),
    "browser_changed": Remedy(
        "Somebody signed in or out meanwhile",
        "It happened in another window, after you were asked. Nothing was changed.",
        "Go back to the page that you came from, and start again there.",
    ),
    "expired": Remedy(
        "Your sign-in took too long", "It has to be finished within a minute. You may be signed in.", "Start from the home page."
    ),
    "used": Remedy("This sign-in is finished already", "Each sign-in can be finished only once.", "Start from the home page."),
    "redemption_unanswered": Remedy(
        "We do not know whether you are signed in",
        "We sent your sign-in link to Okta, and no answer came. The link cannot be used again.",
        "Go back to the page that gave you the link, and ask for a new one.",
    ),
}
_NOT_ACCEPTED = Remedy("This was not accepted", "This site does not take this request.", "Start from the home page.")
_FAILED = Remedy("Something went wrong here", "It is not your fault.", "Wait a moment, then try again.")


def remedy(status: int, reason: str = "") -> Remedy:
    """The words for one status from 400 to 599. A few reasons have words of their own; an unknown status gets those of its class."""
    if reason in BY_REASON:
        return BY_REASON[reason]
    return _REMEDIES.get(status, _NOT_ACCEPTED if status < 500 else _FAILED)
