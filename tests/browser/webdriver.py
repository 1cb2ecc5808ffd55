"""Owns a browser as a person uses it, by the commands of WebDriver (W3C): the one interface of the tests in Firefox and in WebKit.

Playwright cannot drive WebKitGTK, and Playwright 1.65 asks Firefox for `emulation.setMediaFeaturesOverride`, which Firefox ESR 153 lacks.
Both browsers know WebDriver's own commands; what carries them differs, and is a ``WebDriverWire``. Must never wait without a deadline.
"""

import base64
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol

PATIENCE_SECONDS = 30.0
_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # WebDriver §12.1: the name under which an element's reference is told
# "no such frame" is WebKit's word for a page that leaves while the command asks it ("Callback was not called before the unload event").
_NOT_YET = frozenset(
    {"no such element", "no such frame", "stale element reference", "no such window", "element not interactable", "javascript error"}
)


class WebDriverError(Exception):
    """The browser's answer is an error; ``code`` is one of WebDriver's own words for it."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


class WebDriverWire(Protocol):
    """Carries one command to the browser and brings its result back."""

    async def command(self, name: str, **parameters: Any) -> Any:
        """The result; `WebDriverError` when the browser says no. ``name`` is the command's name in WebDriver, without spaces."""

    async def moment(self) -> None:
        """Give the browser a moment to go on; `AssertionError` when it has ended instead."""


@dataclass(frozen=True, slots=True)
class Cookie:
    """A cookie as the browser keeps it."""

    name: str
    is_secure: bool
    is_http_only: bool
    same_site: str


@dataclass(slots=True)
class WebDriverPerson:
    """A person with this browser and an empty profile; the commands go to the window that was chosen last."""

    wire: WebDriverWire

    async def opens(self, url: str) -> None:
        """Type the address, and wait until the page is there."""
        await self.wire.command("Navigate", url=url)

    async def goes_back(self) -> None:
        """One page back, and wait until another page is there. WebKit's own command for it waits for ever when the page was kept."""
        await self.runs("window.isLeft = true; setTimeout(() => history.back())")

        async def gone() -> bool:
            return bool(await self.runs("return !window.isLeft && document.readyState === 'complete'"))

        await self._until(gone, "page before")

    async def reloads(self) -> None:
        """The Reload button."""
        await self.wire.command("Refresh")

    async def url(self) -> str:
        """The address of the page."""
        return str(await self.wire.command("GetCurrentURL"))

    async def source(self) -> str:
        """The page as it is now, as HTML."""
        return str(await self.wire.command("GetPageSource"))

    async def text(self, css: str) -> str:
        """The visible text of the first such element."""
        return str(await self.wire.command("GetElementText", id=await self._element(css)))

    async def clicks(self, words: str) -> None:
        """Click the link or the button with these words, once it is there."""
        wanted = f"//*[self::a or self::button][normalize-space()='{words}']"

        async def clicked() -> bool:
            await self.wire.command("ElementClick", id=await self._element(wanted, "xpath"))
            return True

        await self._until(clicked, f"a link or button {words!r}")

    async def fills(self, css: str, text: str) -> None:
        """Type this into the field, once it is there."""

        async def typed() -> bool:
            await self.wire.command("ElementSendKeys", id=await self._element(css), text=text)
            return True

        await self._until(typed, f"a field {css}")

    async def sees(self, what: str, *texts: str) -> None:
        """Wait until an element of this name, or with this ``#id``, has one of these texts in it."""
        element = f"//*[@id='{what[1:]}']" if what.startswith("#") else f"//{what}"

        async def seen() -> bool:
            has_one = " or ".join(f"contains(normalize-space(), {text!r})" for text in texts)
            await self._element(f"{element}[{has_one}]", "xpath")
            return True

        await self._until(seen, f"{texts} in {what}")

    async def arrives(self, begin: str) -> None:
        """Wait until the address of the page begins so."""

        async def arrived() -> bool:
            return (await self.url()).startswith(begin)

        await self._until(arrived, f"an address {begin}…")

    async def runs(self, script: str) -> Any:
        """What this function body returns in the page."""
        return await self.wire.command("ExecuteScript", script=script, args=[])

    async def cookies(self) -> dict[str, Cookie]:
        """What the browser would send with a request for the page that is open."""
        kept = await self.wire.command("GetAllCookies")
        return {each["name"]: Cookie(each["name"], each["secure"], each["httpOnly"], each.get("sameSite") or "None") for each in kept}

    async def window(self) -> str:
        """The window that commands go to."""
        return str(await self.wire.command("GetWindowHandle"))

    async def windows(self) -> list[str]:
        """All windows."""
        return list(await self.wire.command("GetWindowHandles"))

    async def opens_a_tab(self) -> str:
        """One more tab; it is chosen."""
        opened = await self.wire.command("NewWindow", type="tab")
        await self.chooses(opened["handle"])
        return str(opened["handle"])

    async def chooses(self, window: str) -> None:
        """From now on commands go to this window."""
        await self.wire.command("SwitchToWindow", handle=window)

    async def chooses_the_window_beside(self, known: list[str]) -> None:
        """Choose the window that opened by itself, once it is there."""

        async def chosen() -> bool:
            opened = [window for window in await self.windows() if window not in known]
            if opened:
                await self.chooses(opened[0])
            return bool(opened)

        await self._until(chosen, "another window")

    async def closes_window(self, back_to: str) -> None:
        """Close the window, and choose the other."""
        await self.wire.command("CloseWindow")
        await self.chooses(back_to)

    async def picture(self) -> bytes:
        """A PNG of what is visible."""
        return base64.b64decode(await self.wire.command("TakeScreenshot"))

    async def _element(self, what: str, using: str = "css selector") -> str:
        found = await self.wire.command("FindElement", using=using, value=what)
        return str(found[_ELEMENT])

    async def _until(self, attempt: Callable[[], Awaitable[bool]], wanted: str) -> None:
        """Try until it is true; a page that is just being replaced is no failure. WebKit's own way of waiting misses such a change."""
        end = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                if await attempt():
                    return
            except WebDriverError as error:
                if error.code not in _NOT_YET:
                    raise
            if time.monotonic() > end:
                raise AssertionError(f"no {wanted} at {await self.url()}: {(await self.source())[:3000]}")
            await self.wire.moment()
