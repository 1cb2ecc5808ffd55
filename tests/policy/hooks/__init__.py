"""The tests of policy/hooks: no network, no clock."""
