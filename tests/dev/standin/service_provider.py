"""A strict service provider of SAML 2.0: python3-saml, unchanged, that trusts an org by its certificate."""

import html
import re
from typing import Any

from gateway.dev.standin import Org

ACS, ENTITY = "https://sp.example.com/acs", "https://sp.example.com/metadata"


class Provider:
    """One application; `saml` is the module `onelogin.saml2.auth`."""

    def __init__(self, saml: Any, org: Org, sign_in: str, app_id: str, acs: str = ACS) -> None:
        self._saml = saml
        self._acs = acs
        self.settings = {
            "strict": True,
            "sp": {"entityId": ENTITY, "assertionConsumerService": {"url": acs}},
            "idp": {
                "entityId": f"http://www.okta.com/{app_id}",
                "singleSignOnService": {"url": sign_in},
                "x509cert": org.xml_signer.certificate,
            },
            "security": {"wantAssertionsSigned": True, "wantMessagesSigned": True, "wantNameId": True},
        }

    def at(self, post: dict[str, str]) -> Any:
        """The library's view of one request to the assertion consumer service."""
        scheme, _, rest = self._acs.partition("://")
        host, _, path = rest.partition("/")
        request: dict[str, object] = {
            "https": "on" if scheme == "https" else "off",
            "http_host": host,
            "script_name": f"/{path}",
            "get_data": {},
        }
        return self._saml.OneLogin_Saml2_Auth(request | {"post_data": post}, old_settings=self.settings)

    def signs_in(self, post: dict[str, str], request_id: str | None = None) -> str:
        """The login that a posted response is about."""
        auth = self.at(post)
        auth.process_response(request_id)
        assert auth.get_errors() == [] and auth.is_authenticated(), auth.get_last_error_reason()
        assert auth.get_attributes()["email"] == [auth.get_nameid()]
        return str(auth.get_nameid())


def posted_to(address: str, page: str) -> dict[str, str]:
    """What the form of a page posts to this address."""
    assert f'action="{address}"' in page, page
    inputs = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', page)
    return {html.unescape(name): html.unescape(value) for name, value in inputs}
