"""The gateway as an OpenID Connect client of the org: what it asks by itself, and the source of truth that is made of the answers.

Must never keep an access token, or believe a token whose signature and claims were not checked.
"""

from gateway.oidc.client_auth import ClientKey, ClientProof, ClientSecret
from gateway.oidc.org_client import Metadata, OrgClient, OrgClientRules
from gateway.oidc.proofs import Proofs

__all__ = ["ClientKey", "ClientProof", "ClientSecret", "Metadata", "OrgClient", "OrgClientRules", "Proofs"]
