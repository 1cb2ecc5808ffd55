"""The part of a form from another site that may contain a return address.

The answer of an external IdP is such a form, and most of its bytes are the assertion. No server reads a return address from an assertion,
so the assertion is left out. The rest is short. If it is not, the form is refused, because a search for tokens in it would take too long.
"""

from gateway.policy.switch.org_parameters import MOST_PARAMETERS, folded_names

LONGEST_WHOLE = 8 * 1024
"""Bytes. A form up to this size is searched as a whole."""
LONGEST_NAME = 64
LONGEST_REST = 32 * 1024
"""Bytes. A return address has at most a few thousand."""

_ASSERTIONS = frozenset(("samlresponse", "samlrequest", "wresult", "id_token", "access_token", "code"))


def return_parameters(form: bytes) -> bytes | None:
    """The form without its assertions. None if the rest is longer than ``LONGEST_REST``, or if it has more than 1,000 parameters."""
    if len(form) <= LONGEST_WHOLE:
        return form
    if form.count(b"&") > MOST_PARAMETERS:
        return None
    pairs = form.split(b"&")
    names = folded_names(pair.partition(b"=")[0][:LONGEST_NAME].decode("latin-1") for pair in pairs)
    rest = b"&".join([pair for name, pair in zip(names, pairs, strict=True) if name not in _ASSERTIONS])
    return rest if len(rest) <= LONGEST_REST else None
