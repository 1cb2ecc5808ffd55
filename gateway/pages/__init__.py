"""The gateway's own pages: values in, finished HTML answers out, no I/O.

Owns every word and every pixel that the gateway itself shows. Must never decide anything: the doors choose the page. Every page works
without JavaScript.
"""

from gateway.pages.assets import ASSET_NAMES, ASSET_PREFIX, Asset, asset
from gateway.pages.form_views import FormKept, FormLost, FrameWithoutSession, SignedInAgain
from gateway.pages.rendering import ANYWHERE, Page, render
from gateway.pages.views import (
    BadRequest,
    ConfirmSignOut,
    ConfirmSwitch,
    CookiesBlocked,
    Forbidden,
    FrontSwitchStopped,
    GoingOn,
    LoopExplained,
    NobodyPage,
    PostsItself,
    RefusedPage,
    SessionPage,
    SignedOutPage,
    SignInWithheld,
    StepUpNeeded,
    TokenRefused,
    TokenSpent,
    UnavailablePage,
    UpstreamDown,
    View,
)

__all__ = [
    "ANYWHERE",
    "ASSET_NAMES",
    "ASSET_PREFIX",
    "Asset",
    "BadRequest",
    "ConfirmSignOut",
    "ConfirmSwitch",
    "CookiesBlocked",
    "Forbidden",
    "FormKept",
    "FormLost",
    "FrameWithoutSession",
    "FrontSwitchStopped",
    "GoingOn",
    "LoopExplained",
    "NobodyPage",
    "Page",
    "PostsItself",
    "RefusedPage",
    "SessionPage",
    "SignInWithheld",
    "SignedInAgain",
    "SignedOutPage",
    "StepUpNeeded",
    "TokenRefused",
    "TokenSpent",
    "UnavailablePage",
    "UpstreamDown",
    "View",
    "asset",
    "render",
]
