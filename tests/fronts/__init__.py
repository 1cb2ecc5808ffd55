"""Real front proxies before the gateway: the recipes of ``deploy/``, run as they are."""
