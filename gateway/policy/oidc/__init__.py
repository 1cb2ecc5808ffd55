"""The rules for ``session.source = "oidc"``: the gateway is an OpenID Connect client of the org and keeps its own sessions."""
