"""Configurations of an app whose host and paths are others than the ones that browsers see."""

from tests.harness.site import CONFIGURATION

BEGINNING, _, REST = CONFIGURATION.partition('upstream = "{upstream}"\n')
OWN = BEGINNING + 'upstream = "{upstream}"\nupstream_host = "intranet.corp:3000"\n' + REST
MOVED = OWN.partition("rule = [")[0] + 'strip_prefix = "/hr"\nadd_prefix = "/app"\naccess = "anyone"\nallow_public_root = true\n'
