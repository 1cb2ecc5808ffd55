"""The tests of doors/hooks: whole gateways before a running org, and Okta's calls."""
