"""What a form of another site may name for later: the text of a posted form in which a return address may stand.

An external IdP's answer is such a form, and its assertion is nearly all of it. Nobody reads a return address out of an assertion, so
that is left out, and what is left is short: where it is not, the form is refused, because looking for tokens in it would cost more
than a stranger's form is worth.
"""

from gateway.policy.switch.org_parameters import MOST_PARAMETERS, folded_names

LONGEST_WHOLE = 8 * 1024
"""In bytes. A form that is no longer is looked at whole."""
LONGEST_NAME = 64
LONGEST_REST = 32 * 1024
"""In bytes. A return address is at most a few thousand."""

_ASSERTIONS = frozenset(("samlresponse", "samlrequest", "wresult", "id_token", "access_token", "code"))


def return_parameters(form: bytes) -> bytes | None:
    """The form's parameters without the assertions among them; None where they are longer than ``LONGEST_REST``, or more than 1,000."""
    if len(form) <= LONGEST_WHOLE:
        return form
    if form.count(b"&") > MOST_PARAMETERS:
        return None
    pairs = form.split(b"&")
    names = folded_names(pair.partition(b"=")[0][:LONGEST_NAME].decode("latin-1") for pair in pairs)
    rest = b"&".join([pair for name, pair in zip(names, pairs, strict=True) if name not in _ASSERTIONS])
    return rest if len(rest) <= LONGEST_REST else None
