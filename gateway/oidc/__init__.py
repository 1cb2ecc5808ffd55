"""The gateway as an OpenID Connect client of the org: its requests to the org's endpoints, and the sessions that rest on the answers.

It must never keep an access token, or accept a token whose signature and claims were not checked.
"""

from gateway.oidc.client_auth import ClientKey, ClientProof, ClientSecret
from gateway.oidc.org_client import Metadata, OrgClient, OrgClientRules
from gateway.oidc.proofs import Proofs

__all__ = ["ClientKey", "ClientProof", "ClientSecret", "Metadata", "OrgClient", "OrgClientRules", "Proofs"]
