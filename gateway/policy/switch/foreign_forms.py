"""What a form of another site may name for later: the text of a posted form in which a return address may stand.

An external IdP's answer is such a form, and its assertion is nearly all of it. Nobody reads a return address out of an assertion, so
that is left out, and what is left is short: where it is not, the form is refused, because looking for tokens in it would cost more
than a stranger's form is worth.
"""

from gateway.core.org_parameters import folded_name

LONGEST_REST = 32 * 1024
"""In bytes. A return address is at most a few thousand."""

_ASSERTIONS = frozenset(("samlresponse", "samlrequest", "wresult", "id_token", "access_token", "code"))


def return_parameters(form: bytes) -> bytes | None:
    """The form's parameters without the assertions among them; None where they are longer than ``LONGEST_REST``."""
    if len(form) <= LONGEST_REST:
        return form
    rest = b"&".join(pair for pair in form.split(b"&") if not _is_assertion(pair))
    return rest if len(rest) <= LONGEST_REST else None


def _is_assertion(pair: bytes) -> bool:
    name, _, _ = pair.partition(b"=")
    return len(name) <= 64 and folded_name(name.decode("latin-1")) in _ASSERTIONS
