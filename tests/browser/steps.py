"""Owns the steps that the first journeys are made of, in any browser that WebDriver's commands drive."""

from collections.abc import Awaitable, Callable

from tests.browser.visitor import PASSWORD
from tests.browser.webdriver import WebDriverPerson
from tests.harness.demonstration import Stage


async def enters(person: WebDriverPerson, stage: Stage, name: str, login: str) -> None:
    """Press "Enter as …" at the portal; the app says who it is."""
    await person.opens(f"{stage.where.portal}/")
    await person.clicks(f"Enter as {name}")
    await person.arrives(f"{stage.where.app}/")
    await person.sees("#who", login)


async def signs_in(person: WebDriverPerson, login: str) -> None:
    """Fill in Okta's own form, which opens just now."""
    await person.fills("#username", login)
    await person.fills("#password", PASSWORD)
    await person.clicks("Sign in")


async def signs_out(person: WebDriverPerson, stage: Stage) -> None:
    """The gateway's own page and its button."""
    await person.opens(f"{stage.where.app}/.gateway/sign-out")
    await person.clicks("Sign out")
    await person.sees("h1", "You are signed out")


async def beside(person: WebDriverPerson, steps: Callable[[], Awaitable[None]]) -> None:
    """Take these steps in a tab of its own."""
    own = await person.window()
    await person.opens_a_tab()
    await steps()
    await person.closes_window(own)
