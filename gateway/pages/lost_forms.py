"""The words that say why a form was neither sent nor kept.

One row for each reason: those of ``policy.session.kept_form``, and what may happen to a kept form later.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LostForm:
    """What happened, and what to do. ``signs_in``: the next step is a sign-in; it opens in a new window."""

    heading: str
    sentence: str
    advice: str
    signs_in: bool = False


_NOT_SENT = "Your form was not sent"
_ONCE_MORE = (
    "Sign in first: a new window opens for that. Then press Back in this window. "
    "Your browser may still have what you typed, and you can send the form once more."
)
_WORDS = {
    "other_site": LostForm(
        "This form was not sent",
        "You are not signed in, and the form comes from another website. Such forms are not kept.",
        "Sign in first: a new window opens for that. Then start again on that website.",
        signs_in=True,
    ),
    "not_urlencoded": LostForm(
        _NOT_SENT, "You were signed out. The form has a file in it, or is of a kind that we cannot keep.", _ONCE_MORE, signs_in=True
    ),
    "not_ascii": LostForm(_NOT_SENT, "You were signed out. The form is of a kind that we cannot keep.", _ONCE_MORE, signs_in=True),
    "too_large": LostForm(_NOT_SENT, "You were signed out. The form is larger than we can keep (256 KB).", _ONCE_MORE, signs_in=True),
    "unknown_owner": LostForm(
        _NOT_SENT, "You are not signed in, and we do not know who filled in the form. So we did not keep it.", _ONCE_MORE, signs_in=True
    ),
    "address": LostForm(
        _NOT_SENT, "You were signed out. The address that the form goes to is one that we cannot keep.", _ONCE_MORE, signs_in=True
    ),
    "too_late": LostForm(
        _NOT_SENT, "A form can be sent for 12 hours after you were signed out. They are over.", "Open the form again, and fill it in anew."
    ),
    "sent_already": LostForm(
        "This form was sent already", "Each form is sent only once.", "Look in the application whether it arrived there."
    ),
    "gone": LostForm(
        "There is no form here any more", "Only the window in which you sent it had it.", "Open the form again, and fill it in anew."
    ),
    "unreadable": LostForm(
        _NOT_SENT, "What your browser sent is not a form that this site has kept.", "Open the form again, and fill it in anew."
    ),
}


def lost_form(reason: str) -> LostForm:
    """The words for one reason; KeyError for an unknown one."""
    return _WORDS[reason]
