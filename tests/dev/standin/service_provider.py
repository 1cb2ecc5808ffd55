"""A strict service provider of SAML 2.0: python3-saml, unchanged, that trusts an org by its certificate."""

import base64
import html
import re
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from gateway.dev.standin import Org, SsoApp
from gateway.dev.standin.tls import self_signed

ACS, ENTITY = "https://sp.example.com/acs", "https://sp.example.com/metadata"
SLS = "https://sp.example.com/sls"
SUCCESS, FAILED = (f"urn:oasis:names:tc:SAML:2.0:status:{name}" for name in ("Success", "AuthnFailed"))


class ServiceProvider:
    """One application; `saml` is the module `onelogin.saml2.auth`."""

    def __init__(self, saml: Any, org: Org, sign_in: str, app_id: str, acs: str = ACS) -> None:
        self._saml = saml
        self._acs = acs
        self.settings: dict[str, Any] = {
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
        request = request_to(self._acs)
        return self._saml.OneLogin_Saml2_Auth(request | {"post_data": post}, old_settings=self.settings)

    def signs_in(self, post: dict[str, str], request_id: str | None = None) -> str:
        """The login that a posted response is about."""
        auth = self.at(post)
        auth.process_response(request_id)
        assert auth.get_errors() == [] and auth.is_authenticated(), auth.get_last_error_reason()
        assert auth.get_attributes()["email"] == [auth.get_nameid()]
        return str(auth.get_nameid())


class SigningProvider(ServiceProvider):
    """One that signs its users out of the org too: SP-initiated single logout, with a key of its own."""

    def __init__(self, saml: Any, org: Org, base: str, app_id: str) -> None:
        """``base``: the address of the app at the org. The app is registered there with both addresses and the certificate."""
        super().__init__(saml, org, f"{base}/sso/saml", app_id)
        self._org_certificate = saml.OneLogin_Saml2_Utils.format_cert(org.xml_signer.certificate)
        key = rsa.generate_private_key(65537, 2048)
        certificate = self_signed(key, "sp.example.com", 30).public_bytes(Encoding.PEM).decode()
        secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        own, theirs, security = (self.settings[name] for name in ("sp", "idp", "security"))
        own |= {"singleLogoutService": {"url": SLS}, "x509cert": certificate, "privateKey": secret}
        theirs |= {"singleLogoutService": {"url": f"{base}/slo/saml"}}
        security |= {"logoutRequestSigned": True}
        org.apps.register(SsoApp(app_id, ACS, ENTITY, logout_address=SLS, logout_certificate=certificate))

    def signs_out(self, login: str, return_to: str = "/bye") -> tuple[str, str]:
        """Where the browser is sent with a signed request, and the request's id."""
        auth = self.at({})
        return str(auth.logout(return_to, name_id=login)), str(auth.get_last_request_id())

    def told(self, page: str, request_id: str) -> str:
        """The status of the signed response that a page posts; the library takes it in strict mode, but for the place of its signature."""
        text = posted_to(SLS, page)["SAMLResponse"]
        # Okta posts it with the signature inside; what the library looks for is that of a redirect.
        settings = self._saml.OneLogin_Saml2_Settings(self.settings | {"security": {"wantMessagesSigned": False}})
        response = self._saml.OneLogin_Saml2_Logout_Response(settings, text)
        assert response.is_valid(request_to(SLS), request_id, raise_exceptions=True)
        xml = base64.b64decode(text).decode()
        path = "/samlp:LogoutResponse/ds:Signature"
        assert self._saml.OneLogin_Saml2_Utils.validate_sign(xml, self._org_certificate, xpath=path, raise_exceptions=True)
        return str(response.get_status())


def request_to(address: str) -> dict[str, object]:
    """The library's view of a request to this address."""
    scheme, _, rest = address.partition("://")
    host, _, path = rest.partition("/")
    return {"https": "on" if scheme == "https" else "off", "http_host": host, "script_name": f"/{path}", "get_data": {}}


def posted_to(address: str, page: str) -> dict[str, str]:
    """What the form of a page posts to this address."""
    assert f'action="{address}"' in page, page
    inputs = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', page)
    return {html.unescape(name): html.unescape(value) for name, value in inputs}
