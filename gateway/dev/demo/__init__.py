"""What `session-gateway dev` shows: a legacy application, a portal that hands out session tokens, and a page of another site.

Owns: the demonstration, whole. Never imports another room of the gateway, and no other room but the command line imports it: what is shown
here works with the gateway only by what goes over the wire.
"""

from gateway.dev.demo.payroll import legacy_app
from gateway.dev.demo.portal import portal
from gateway.dev.demo.serving import Running, serve
from gateway.dev.demo.stranger import stranger_site

__all__ = ["Running", "legacy_app", "portal", "serve", "stranger_site"]
