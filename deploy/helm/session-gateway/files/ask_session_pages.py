"""Asks every host in gateway.toml for its session, and wants to hear that nobody is signed in. Needs nothing but Python."""

import http.client
import json
import os
import ssl
import sys
import tomllib
from urllib.parse import urlsplit

with open(os.environ.get("CONFIG", "/etc/session-gateway/gateway.toml"), "rb") as file:
    config = tomllib.load(file)
gateway = urlsplit(os.environ["GATEWAY"])
# The certificate is for the public names, not for the Service's; what is tested here is who answers, not whether it can be trusted.
unchecked = ssl.create_default_context()
unchecked.check_hostname = False
unchecked.verify_mode = ssl.CERT_NONE
failed = 0
for url in (config["login"]["url"], *(app["url"] for app in config["app"])):
    if gateway.scheme == "https":
        connection = http.client.HTTPSConnection(gateway.hostname, gateway.port, timeout=10, context=unchecked)
    else:
        connection = http.client.HTTPConnection(gateway.hostname, gateway.port, timeout=10)
    connection.request("GET", "/.gateway/session", headers={"Host": urlsplit(url).netloc, "Accept": "application/json"})
    answer = connection.getresponse()
    text = answer.read().decode(errors="replace")
    try:
        said = json.loads(text).get("error")
    except (ValueError, AttributeError):
        said = None
    is_right = answer.status == 401 and said == "no_session"
    failed += not is_right
    sys.stdout.write(f"{'ok    ' if is_right else 'FAILED'} {url} {answer.status} {text.strip()[:200]}\n")
sys.exit(1 if failed else 0)
