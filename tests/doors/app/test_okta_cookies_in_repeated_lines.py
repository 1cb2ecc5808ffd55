"""A Cookie line that went to the app before goes without a cookie that Okta set meanwhile, whatever was remembered of the line."""

from tests.harness.app_gateway import FETCH, AppGateway, app_gateway


def cookies(gateway: AppGateway) -> list[bytes]:
    return [line.partition(b": ")[2] for line in gateway.app.last.fields if line.lower().startswith(b"cookie:")]


async def test_what_okta_sets_is_taken_out_of_a_line_that_is_remembered() -> None:
    async with app_gateway() as gateway:
        held = gateway.cookie()
        for target, line in (
            ("/", held.replace(b"\r\n", b"; sid=value-of-okta; a=1\r\n")),
            ("/public/x", b"Cookie: sid=value-of-okta; a=1\r\n"),
        ):
            wire = await gateway.connect()
            asked = f"GET {target} HTTP/1.1\r\nHost: hr.example.com\r\n".encode() + FETCH + line + b"\r\n"
            seen = []
            for number in range(6):
                if number == 3:
                    gateway.sessions.note_set((b"value-of-okta" if target == "/" else b"another",))
                await wire.say(asked)
                await wire.head()
                await wire.exactly(5)
                seen += cookies(gateway)
            before = b"sid=value-of-okta; a=1"
            assert seen == ([before] * 3 + [b"a=1"] * 3 if target == "/" else [b"a=1"] * 6)
