"""Row W10: answers of old servers are read the same way, however they are cut into packets.

An answer that is harmless if its connection is closed afterwards is delivered, and the connection is not used again. An answer that two
parsers could read in two ways is 502, and the log names its rule. If the fault is inside a body, the client already has bytes of it; then
the client's connection is broken, even if the fault came in the same packet as the head. A head whose lines end with LF alone was 502 by
row T19, which asked that nothing hangs. It is delivered now, because after the close nothing can be read in two ways. A head with both
line ends is still 502.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from gateway.errors import Nonsense
from gateway.policy.http.chunks import Chunks
from gateway.upstream.reading import AnswerReader
from tests.harness.app import Visit
from tests.harness.replies import RawReply
from tests.harness.site import Site

OK = b"HTTP/1.1 200 OK\r\n"


@dataclass(frozen=True)
class OldAnswer:
    """An answer of an old server. ``rule``: by which it is refused; ``body``: what is delivered of it, before a fault too."""

    sent: bytes
    body: bytes = b""
    rule: str = ""
    is_head: bool = False
    ends: bool = False  # the server closes behind it
    status: int = 200


DELIVERED = {
    "204_of_no_chunks": OldAnswer(b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", status=204),
    "204_with_bytes": OldAnswer(b"HTTP/1.1 204 No Content\r\n\r\nbytes", status=204),
    "204_of_length_5": OldAnswer(b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nbytes", status=204),
    "204_framed_twice": OldAnswer(b"HTTP/1.1 204 No\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", status=204),
    "304_of_no_chunks": OldAnswer(b"HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", status=304),
    "304_with_bytes": OldAnswer(b"HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\nok", status=304),
    "head_with_body": OldAnswer(OK + b"Content-Length: 2\r\n\r\nok", is_head=True),
    "head_in_chunks": OldAnswer(OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", is_head=True),
    "head_framed_twice": OldAnswer(OK + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n", is_head=True),
    "head_of_no_length": OldAnswer(OK + b"Content-Length: many\r\n\r\n", is_head=True),
    "more_than_its_length": OldAnswer(OK + b"Content-Length: 2\r\n\r\nok and more\r\n", b"ok"),
    "line_end_behind_its_length": OldAnswer(OK + b"Content-Length: 2\r\n\r\nok\r\n", b"ok"),
    "more_than_nothing": OldAnswer(OK + b"Content-Length: 0\r\n\r\nmore", b""),
    "more_behind_chunks": OldAnswer(OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\nmore", b"ok"),
    "padded_chunks": OldAnswer(OK + b"Transfer-Encoding: chunked\r\n\r\n2    \r\nok\r\n0   \r\n\r\n", b"ok"),
    "chunks_padded_by_tabs": OldAnswer(OK + b"Transfer-Encoding: chunked\r\n\r\n00000002\t \r\nok\r\n00000000\r\n\r\n", b"ok"),
    "chunks_with_odd_extensions": OldAnswer(OK + b"Transfer-Encoding: chunked\r\n\r\n2 ; a b=(1)\r\nok\r\n0\r\n\r\n", b"ok"),
    "lf_alone": OldAnswer(b"HTTP/1.1 200 OK\nX: 1\nContent-Length: 2\n\nok", b"ok"),
    "lf_alone_until_the_end": OldAnswer(b"HTTP/1.0 200 OK\nContent-Type: text/html\n\nok\n", b"ok\n", ends=True),
    "lf_alone_to_head": OldAnswer(b"HTTP/1.1 200 OK\nContent-Length: 2\n\n", is_head=True),
    "odd_name": OldAnswer(OK + b"X-Old(1): 1\r\nContent-Length: 2\r\n\r\nok", b"ok"),
    "names_of_any_bytes": OldAnswer(OK + b"X Y: 1\r\n\xff: 2\r\n: 3\r\nContent-Length: 2\r\n\r\nok", b"ok"),
    "blank_before_colon": OldAnswer(OK + b"X : 1\r\nContent-Length: 2\r\n\r\nok", b"ok"),
    "folded": OldAnswer(OK + b"X: 1\r\n  2\r\nContent-Length: 2\r\n\r\nok", b"ok"),
    "line_end_in_front": OldAnswer(b"\r\n" + OK + b"Content-Length: 2\r\n\r\nok", b"ok"),
    "identity": OldAnswer(OK + b"Transfer-Encoding: identity\r\n\r\nok", b"ok", ends=True),
    "chunks_of_1_0": OldAnswer(
        b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", b"ok"
    ),
    "odd_interim": OldAnswer(b"HTTP/1.1 103 Hints\r\nX(1): 1\r\n\r\n" + OK + b"Content-Length: 2\r\n\r\nok", b"ok"),
}
REFUSED = {
    "two_line_ends": OldAnswer(b"HTTP/1.1 200 OK\r\nContent-Length: 2\n\nok", rule="line_ends"),
    "cr_alone": OldAnswer(OK + b"X: 1\rY: 2\r\nContent-Length: 2\r\n\r\nok", rule="line_ends"),
    "misspelt_length": OldAnswer(OK + b"Content-Length : 2\r\n\r\nok", rule="framing_name"),
    "misspelt_coding": OldAnswer(OK + b"Transfer-Encoding(1): chunked\r\nContent-Length: 2\r\n\r\nok", rule="framing_name"),
    "folded_length": OldAnswer(OK + b"Content-Length: 2\r\n 3\r\n\r\nok", rule="framing_name"),
    "framed_twice": OldAnswer(OK + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", rule="two_framings"),
    "two_lengths": OldAnswer(OK + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\nok", rule="content_length"),
    "other_coding": OldAnswer(OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", rule="transfer_encoding"),
    "no_colon": OldAnswer(OK + b"Status 200\r\nContent-Length: 2\r\n\r\nok", rule="no_colon"),
    "control_byte": OldAnswer(OK + b"X: \x00\r\nContent-Length: 2\r\n\r\nok", rule="control_byte"),
    "no_status_line": OldAnswer(b"<html>ok</html>\r\n\r\n", rule="status_line"),
    "http_2": OldAnswer(b"HTTP/2.0 200 OK\r\n\r\n", rule="status_line"),
    "framed_interim": OldAnswer(b"HTTP/1.1 103 Hints\r\nContent-Length: 2\r\n\r\nok", rule="interim_body"),
}
BROKEN = {
    "chunk_size": OldAnswer(OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n2x\r\nno\r\n0\r\n\r\n", b"ok", "chunk"),
    "first_chunk_size": OldAnswer(OK + b"Transfer-Encoding: chunked\r\n\r\n 2\r\nok\r\n0\r\n\r\n", b"", "chunk"),
    "chunk_of_lf": OldAnswer(OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n2\nno\n0\n\n", b"ok", "chunk"),
    "chunk_too_long": OldAnswer(OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\noktoo\r\n0\r\n\r\n", b"ok", "chunk"),
    "trailer_that_frames": OldAnswer(OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nContent-Length: 2\r\n\r\n", b"ok", "chunk"),
}
EVERY = {**DELIVERED, **REFUSED, **BROKEN}


def cuts(sent: bytes) -> Iterator[list[bytes]]:
    """In one piece, byte by byte, and in two pieces at every place."""
    yield [sent]
    yield [sent[place : place + 1] for place in range(len(sent))]
    for place in range(1, len(sent)):
        yield [sent[:place], sent[place:]]


def read(answer: OldAnswer, pieces: list[bytes]) -> tuple[int, bytes, str, bool]:
    """Status, body and fault of an answer in these pieces, and whether its connection may be used again at the end of the last."""
    reader = AnswerReader()
    reader.expect(bare=answer.is_head)
    rule, keeps = "", False
    for piece in pieces:
        try:
            reader.feed(piece)
        except Nonsense as error:
            # Behind a whole answer: bytes on a connection that is free, which closes it.
            rule, keeps = ("", False) if reader.is_whole else (error.rule, False)
            break
        keeps = reader.is_whole and (reader.keeps or reader.rests)
    if answer.ends and not rule:
        assert reader.end()
    assert rule or reader.is_whole
    return reader.status if reader.has_head else 0, b"".join(reader.pieces), rule, keeps


@pytest.mark.parametrize("name", EVERY)
def test_w10_every_cut_of_an_answer_reads_alike(name: str) -> None:
    answer = EVERY[name]
    status = 0 if name in REFUSED else answer.status
    for pieces in cuts(answer.sent):
        assert read(answer, pieces) == (status, answer.body, answer.rule, False), pieces


def plain(reply: RawReply) -> bytes:
    """The body of an answer, without its chunks."""
    if reply.values("Transfer-Encoding") != ["chunked"] or not reply.body:
        return reply.body
    pieces: list[bytes] = []
    chunks = Chunks(99)
    assert chunks.feed(reply.body, pieces) == b"" and chunks.is_whole
    return b"".join(pieces)


class AnswerInPieces:
    """Answers in these pieces, one packet each, and says whether a connection that carried an answer was used again."""

    def __init__(self, answer: OldAnswer, pieces: list[bytes]) -> None:
        self._answer, self._pieces = answer, pieces
        self._used: set[asyncio.StreamWriter] = set()
        self.is_reused = False

    async def __call__(self, visit: Visit) -> None:
        self.is_reused = self.is_reused or visit.writer in self._used
        self._used.add(visit.writer)
        for piece in self._pieces:
            visit.writer.write(piece)
            for _ in range(3):  # the gateway runs on this loop: it reads what is there
                await asyncio.sleep(0)
        if self._answer.ends:
            visit.writer.close()
            raise ConnectionError


@pytest.mark.parametrize("name", EVERY)
async def test_w10_the_gateway_answers_alike_and_uses_no_connection_again(site: Site, name: str) -> None:
    answer = EVERY[name]
    sent = answer.sent
    places = sorted({1, 9, len(sent) // 2, sent.find(b"\n\n") + 2, sent.find(b"\r\n\r\n") + 4, len(sent) - 1} & set(range(1, len(sent))))
    for pieces in ([sent], *([sent[:place], sent[place:]] for place in places), [bytes([byte]) for byte in sent]):
        script = site.behind.script = AnswerInPieces(answer, pieces)
        for _ in range(2):
            if name in BROKEN:
                with pytest.raises(ConnectionResetError):
                    await site.ask("/public/x", method="GET")
            else:
                reply = await site.ask("/public/x", method="HEAD" if answer.is_head else "GET")
                body = b"" if answer.rule else plain(reply)
                assert (reply.status, body) == (502 if answer.rule else answer.status, answer.body), pieces
        assert not script.is_reused, pieces
        if answer.rule:
            line = [line for line in site.lines if "status" in line][-1]
            wanted = (200, f"cut_short:nonsense:{answer.rule}") if name in BROKEN else (502, f"upstream_nonsense:{answer.rule}")
            assert (line["status"], line["reason"]) == wanted, pieces


async def test_w10_odd_names_go_no_further_and_all_others_do(site: Site) -> None:
    site.behind.script = AnswerInPieces(
        DELIVERED["names_of_any_bytes"], [OK + b"X Y: 1\r\nX-Old(1): 1\r\nB : 2\r\nA: 1\r\n 2\r\nContent-Length: 0\r\n\r\n"]
    )
    reply = await site.ask("/public/x")
    assert (reply.values("B"), reply.values("A")) == (["2"], ["1 2"])
    assert b"X-Old" not in reply.raw and b"X Y" not in reply.raw
