"""Okta's own calls to the gateway: event hooks and Universal Logout; and how long the gateway relies on the event hook."""
