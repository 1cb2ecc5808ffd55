"""A Django site, as a WSGI ``application``: a form, a check against forged requests, a redirect, an upload, a cookie named ``sid``."""

import importlib
from typing import Any

conf: Any = importlib.import_module("django.conf")
http: Any = importlib.import_module("django.http")
csrf: Any = importlib.import_module("django.middleware.csrf")
urls: Any = importlib.import_module("django.urls")
wsgi: Any = importlib.import_module("django.core.wsgi")


def form(request: Any) -> object:
    """The token of the form, or, where it is sent, on to what was sent."""
    if request.method == "GET":
        answer = http.HttpResponse(csrf.get_token(request))
        answer.set_cookie("sid", "of-the-app")
        return answer
    size = sum(len(sent.read()) for sent in request.FILES.values())
    word = request.POST.get("word", "")
    return http.HttpResponseRedirect(request.build_absolute_uri(f"/done?word={word}&size={size}"))


def done(request: Any) -> object:
    """What was sent, and the app's own cookie."""
    return http.HttpResponse(f"{request.META['HTTP_REMOTE_USER']} {request.GET['word']} {request.GET['size']} {request.COOKIES.get('sid')}")


urlpatterns = [urls.path("form", form), urls.path("done", done), urls.re_path(r"^.*$", lambda request: http.HttpResponse("home"))]
conf.settings.configure(
    SECRET_KEY="of a test",
    ALLOWED_HOSTS=["intranet.corp"],
    ROOT_URLCONF=__name__,
    MIDDLEWARE=["django.middleware.csrf.CsrfViewMiddleware"],
)
application = wsgi.get_wsgi_application()
