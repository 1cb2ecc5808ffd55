"""What only development needs: a stand-in for an Okta org, a demo, and the command that runs both around a gateway.

No other room may import from here; ``gateway.cli`` does when one of its commands asks for it.
"""
