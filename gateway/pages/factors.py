"""The words by which a page names the authentication methods of a session.

The short names are from RFC 8176 and from Okta (``amr`` of the Sessions API).
"""

_WORDS = {
    "duo": "a confirmation in Duo",
    "face": "your face",
    "fpt": "your fingerprint",
    "hwk": "a security key",
    "kba": "the answer to your security question",
    "mca": "a second way to prove who you are",
    "mfa": "a second step, for example a code or a confirmation on your phone",
    "otp": "a one-time code",
    "pin": "your PIN",
    "pop": "a key on your device",
    "pwd": "your password",
    "sc": "your smart card",
    "sms": "a code in a text message",
    "swk": "a confirmation on your phone or computer",
    "tel": "a phone call",
    "user": "a tap on your key",
    "wia": "the sign-in of your Windows computer",
}


def factor(name: str) -> str:
    """The words for one method. A method without words is shown by the name that the administrator wrote."""
    return _WORDS.get(name, f"the sign-in method “{name}”")
