"""A Django site that says for whom the session began; /app/logout ends it. Run: ``python django_site.py PORT``."""

import importlib
import os
import socketserver
import sys
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

conf: Any = importlib.import_module("django.conf")
http: Any = importlib.import_module("django.http")
urls: Any = importlib.import_module("django.urls")
wsgi: Any = importlib.import_module("django.core.wsgi")


class ThreadingServer(socketserver.ThreadingMixIn, WSGIServer):
    daemon_threads = True


class Quiet(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        """Not a word for each request."""


def page(request: Any) -> object:
    if request.path.endswith("/logout"):
        request.session.flush()
        return http.HttpResponseRedirect("/")
    user = request.META.get("HTTP_REMOTE_USER", "null")
    owner = request.session.setdefault("owner", user)
    return http.HttpResponse(f"<link rel=icon href=data:,><p id=who>{user}</p><p id=owner>{owner}</p>")


urlpatterns = [urls.re_path(r"^.*$", page)]

if __name__ == "__main__":
    conf.settings.configure(
        SECRET_KEY="of a test",
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF=__name__,
        MIDDLEWARE=["django.contrib.sessions.middleware.SessionMiddleware"],
        SESSION_ENGINE="django.contrib.sessions.backends.file",
        SESSION_FILE_PATH=os.environ["SESSIONS"],
        SESSION_COOKIE_PATH=os.environ["COOKIE_PATH"],
        SESSION_COOKIE_DOMAIN=os.environ["COOKIE_DOMAIN"] or None,
    )
    with make_server("127.0.0.1", int(sys.argv[1]), wsgi.get_wsgi_application(), ThreadingServer, Quiet) as server:
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        server.serve_forever()
