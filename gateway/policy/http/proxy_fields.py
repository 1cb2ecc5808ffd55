"""Names of request fields that servers believe, because usually a proxy sets them.

There are three groups: fields about where a request came from, fields that replace a part of its first line, and fields about its user. A
client that sends such a field pretends to be a proxy. Names are folded in ASCII only. Sources: RFC 7239, RFC 9440, and the documents of the
proxies that are named beside each group.
"""

from typing import Final

REQUEST_ID: Final = b"x-request-id"
"""Only the gateway sets this field, in requests and in responses (``policy.http.request_ids``)."""

_FOLD: Final = bytes(byte if chr(byte).isascii() and chr(byte).isalnum() else 0x2D for byte in range(256))

_ABOUT_THE_WAY: Final = frozenset(
    b"forwarded forwarded-for x-real-ip true-client-ip x-client-ip x-cluster-client-ip cf-connecting-ip fastly-client-ip "
    b"x-original-forwarded-for x-envoy-external-address x-original-host x-host x-scheme x-url-scheme "
    b"client-ip fly-client-ip x-remote-ip x-remote-addr x-originating-ip proxy-client-ip wl-proxy-client-ip x-azure-clientip "
    b"x-azure-socketip x-proxyuser-ip x-appengine-user-ip x-vercel-forwarded-for cf-connecting-ipv6".split()
)
METHOD_OVERRIDES: Final = frozenset(b"x-http-method x-http-method-override x-method-override".split())
"""Fields by which a client asks for another method than that of the request line. OData, Rails, Express and others obey them."""

OVERRIDES: Final = METHOD_OVERRIDES | frozenset(
    b"proxy x-original-url x-original-uri x-original-method x-rewrite-url x-rewrite-uri x-middleware-subrequest".split()
)
"""All fields by which a request asks for something else than its request line says."""
_ABOUT_THE_USER: Final = frozenset(
    # oauth2-proxy, Traefik, Envoy; names from CGI and Rack
    b"x-forwarded-user x-forwarded-email x-forwarded-groups x-forwarded-preferred-username x-forwarded-access-token "
    b"x-forwarded-client-cert x-forwarded-tls-client-cert x-forwarded-tls-client-cert-info gap-auth x-auth-user x-auth-username "
    b"x-auth-email x-auth-name x-auth-groups x-auth-roles auth-user auth-type remote-user remote-name remote-email remote-groups "
    # caddy-security, Shibboleth, APISIX, Google's gateways, Kong
    b"x-token-subject eppn x-userinfo x-goog-iap-jwt-assertion x-apigateway-api-userinfo x-endpoint-api-userinfo x-credential-identifier "
    b"x-consumer-id x-consumer-custom-id x-consumer-username x-consumer-groups x-anonymous-consumer x-proxy-user "
    # set where a proxy ends TLS in front of IIS, WebLogic, Java
    b"https x-https front-end-https x-client-dn x-client-verify".split()
)
_ABOUT_THE_USER_FIRST: Final = (
    *(b"remote-user-", b"x-remote-", b"x-webauth-", b"x-auth-request-", b"x-authenticated-", b"x-authentik-", b"x-pomerium-", b"x-vouch-"),
    *(b"x-proxy-remote-", b"x-token-user-", b"tailscale-", b"cf-access-", b"cf-client-cert", b"x-ms-client-principal"),
    *(b"x-ms-token-", b"x-goog-authenticated-user-", b"x-amzn-oidc-", b"x-amzn-mtls-", b"oidc-", b"shib-", b"sm-", b"iv-", b"oam-"),
    *(b"client-cert", b"x-client-cert", b"x-ssl", b"ssl-", b"x-tls-", b"x-arr-", b"wl-proxy-"),
)


def folded(name: bytes) -> bytes:
    """The name as the most careless server compares it: ASCII lower case, and every character but letters and digits as ``-``."""
    return name.lower().translate(_FOLD)


def overrides_method(name: bytes) -> bool:
    """Whether a field of this name, in any spelling, asks for another method."""
    return folded(name) in METHOD_OVERRIDES


def is_about_the_way(fold: bytes) -> bool:
    """Whether a folded name says where a request came from, or asks for something else than its request line says."""
    return fold in _ABOUT_THE_WAY or fold in OVERRIDES or fold.startswith(b"x-forwarded")


def is_about_the_user(fold: bytes) -> bool:
    """Whether a folded name says who the user is, which certificate was used, or that the connection was secure."""
    return fold in _ABOUT_THE_USER or fold.startswith(_ABOUT_THE_USER_FIRST)
