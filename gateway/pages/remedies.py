"""The words of the plain refusals: one row for each status.

Owns: heading, sentence and remedy of BadRequest pages. Never names a host, a path or a header value of the request.
Statuses: RFC 9110 section 15, RFC 6585 section 5.
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
        "That request could not be read",
        "The address or the form that your browser sent is not valid.",
        "Go back and try again. If a link brought you here, ask for a new one.",
    ),
    404: Remedy("There is nothing at this address", "No page is served here.", "Check the address, or start from the home page."),
    405: Remedy("That does not work here", "This address does not take this kind of request.", "Start again from the home page."),
    408: Remedy("That took too long", "Your request did not arrive whole in time.", "Check your connection, then try again."),
    409: Remedy(
        "That was done already", "This step was finished before, or was overtaken by another one.", "Start again from the home page."
    ),
    413: Remedy("That file is too large", "More was sent than this site takes at once.", "Send a smaller file, or send it in parts."),
    414: Remedy("That address is too long", "The link is longer than this site takes.", "Start again from the home page."),
    421: Remedy(
        "This name is not served here",
        "Your browser was led to a site that this server does not know.",
        "Check the address. If it is right, tell your administrator.",
    ),
    431: Remedy(
        "This site has too many cookies here",
        "Your browser keeps more cookies for this site than can be sent along.",
        "Clear the cookies of this site in your browser's settings (often under the icon left of the address), then try again. "
        "You will have to sign in again; nothing else is lost.",
    ),
    502: Remedy(
        "No usable answer came", "The server behind this site was asked, and gave no usable answer.", "Wait a moment, then start again."
    ),
    503: Remedy("Too much at once", "This site cannot take your request just now.", "Wait a moment, then try again."),
    504: Remedy("The answer took too long", "The server behind this site did not answer in time.", "Wait a moment, then start again."),
}
_BY_REASON = {
    "no_upstream": Remedy(
        "This page comes from somewhere else",
        "Another server in front of this one should have brought you this page, and sent your request here instead.",
        "Tell your administrator: the proxy before the gateway carries this site, and only addresses under /.gateway/ belong here.",
    ),
    "auth_of_auth": Remedy(
        "This site asks itself whether it may ask",
        "The server in front of this one asks for permission before it asks for permission.",
        "Tell your administrator: addresses under /.gateway/ must go straight to the gateway.",
    ),
    "own_path": Remedy(
        "This address went astray",
        "It belongs to the sign-in itself, and the server in front of this one did not bring it there.",
        "Tell your administrator: addresses under /.gateway/ must go straight to the gateway.",
    ),
    "too_many_requests_of_client": Remedy(
        "Too much is open at once",
        "From where you are, more is open here than this site takes at once: pages, downloads, or other people behind the same address.",
        "Close some of it, then try again. If it stays like this, tell your administrator what stands in the small print.",
    ),
}
_REFUSED = Remedy("That was not accepted", "This site does not take this request.", "Start again from the home page.")
_FAILED = Remedy("Something went wrong here", "It is not your doing.", "Wait a moment, then try again.")


def remedy(status: int, reason: str = "") -> Remedy:
    """The words for one status from 400 to 599; a few reasons have words of their own, unknown ones get those of their class."""
    if reason in _BY_REASON:
        return _BY_REASON[reason]
    return _REMEDIES.get(status, _REFUSED if status < 500 else _FAILED)
