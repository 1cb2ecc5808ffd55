"""A Django site, as a WSGI ``application``, with its own sign-in, a form, an upload, a redirect of its own and a cookie named ``sid``."""

import html
import importlib
import os
from typing import Any

conf: Any = importlib.import_module("django.conf")
http: Any = importlib.import_module("django.http")
csrf: Any = importlib.import_module("django.middleware.csrf")
urls: Any = importlib.import_module("django.urls")
wsgi: Any = importlib.import_module("django.core.wsgi")

_ICON = "<link rel=icon href=data:,>"
_NAME = "<input id=name name=name><input id=password name=password type=password><button>Enter</button>"
_WORD = "<input id=word name=word><input id=file name=file type=file><button>Send</button>"


def _form(request: Any, action: str, inside: str) -> str:
    token = f'<input type=hidden name=csrfmiddlewaretoken value="{csrf.get_token(request)}">'
    return f"{_ICON}<form method=post action=/desk/{action} enctype=multipart/form-data>{token}{inside}</form>"


def _said(**told: object) -> str:
    return "".join(f"<p id={name}>{html.escape(str(value))}</p>" for name, value in told.items())


def enter(request: Any) -> object:
    """The app's own sign-in: a new session for whoever it is."""
    request.session.cycle_key()
    request.session["name"] = request.POST["name"]
    return http.HttpResponseRedirect(request.build_absolute_uri("/desk/form"))


def form(request: Any) -> object:
    """The form, or, where it is sent, on to what was sent; without a sign-in the form for that."""
    if "name" not in request.session:
        return http.HttpResponse(_form(request, "enter", _NAME))
    if request.method == "GET":
        answer = http.HttpResponse(_form(request, "form", _WORD) + _said(sid=request.COOKIES.get("sid", "none")))
        answer.set_cookie("sid", f"of-{request.session['name']}", httponly=True)
        return answer
    request.session.update({"word": request.POST["word"], "size": request.FILES["file"].size})
    return http.HttpResponseRedirect(request.build_absolute_uri("/desk/done"))


def done(request: Any) -> object:
    """What was sent, and the app's own cookie."""
    kept = {name: request.session.get(name) for name in ("name", "word", "size")}
    return http.HttpResponse(_ICON + _said(told=request.META["HTTP_REMOTE_USER"], **kept, sid=request.COOKIES.get("sid", "none")))


urlpatterns = [
    urls.path("", lambda request: http.HttpResponse(_ICON)),
    urls.path("desk/enter", enter),
    urls.path("desk/form", form),
    urls.path("desk/done", done),
]
conf.settings.configure(
    SECRET_KEY="of a test",
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    MIDDLEWARE=["django.contrib.sessions.middleware.SessionMiddleware", "django.middleware.csrf.CsrfViewMiddleware"],
    SESSION_ENGINE="django.contrib.sessions.backends.file",
    SESSION_FILE_PATH=os.environ["SESSIONS"],
)
application = wsgi.get_wsgi_application()
