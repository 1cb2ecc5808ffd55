"""The demo sites of `session-gateway dev`: a legacy application, a portal that hands out session tokens, and a page of another site.

Owns: the demonstration. Must never import another room of the gateway, and only the command line imports it. So the demo and the gateway
talk to each other by HTTP only, as real sites do.
"""

from gateway.dev.demo.payroll import legacy_app
from gateway.dev.demo.portal import portal
from gateway.dev.demo.rendering import Running, serve
from gateway.dev.demo.stranger import stranger_site

__all__ = ["Running", "legacy_app", "portal", "serve", "stranger_site"]
