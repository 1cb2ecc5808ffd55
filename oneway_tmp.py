import asyncio, io, sys, time, cProfile, pstats, uvloop
from contextlib import AsyncExitStack
from gateway.clock import Clock
from gateway.core.crowds import Crowd
from gateway.core.messages import HeadLimits
from gateway.doors.believed import Believed
from gateway.doors.listener import Doors, Listener
from gateway.doors.witness import Witness
from gateway.edge.connection import ClientConnection
from gateway.edge.server import Server
from gateway.log import Log
from gateway.metrics import Metrics
from gateway.outbound import Deadlines
from gateway.proxy.connection import Connection, Home
from tests.doors.app_gateway import TABLE, app_gateway
from tests.doors.listening import SteeredDoor

class Tr:
    def __init__(s): s.n=0
    def write(s,b): s.n+=1; s.last=b
    def writelines(s,l): s.n+=1
    def is_closing(s): return False
    def get_extra_info(s,n,d=None): return ("192.0.2.9",1) if n=="peername" else None
    def pause_reading(s):pass
    def resume_reading(s):pass
    def close(s):pass
    def abort(s):pass
    def get_write_buffer_size(s): return 0
    def can_write_eof(s): return True
    def write_eof(s): pass

class Src(Home):
    def __init__(s,loop):
        super().__init__(Deadlines()); s.free=[]; s.last=None; s.loop=loop
    keep_seconds=4.0
    def idle(s,key=None,client=""):
        c=s.free.pop() if s.free else s.new(); s.last=c; return c
    def new(s):
        c=Connection(s,s.loop); c.connection_made(Tr()); return c
    def began(s):pass
    def ended(s,f):pass
    def take_back(s,c): s.free.append(c)
    def lost(s,c):pass

ANSWER=b"HTTP/1.1 200 OK\r\nServer: nginx/1.25\r\nDate: Mon, 01 Jan 2024 00:00:00 GMT\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: 5\r\nConnection: keep-alive\r\nETag: \"5f1e-60a\"\r\nCache-Control: no-cache\r\n\r\nhello"
async def main():
    async with app_gateway() as gw:
        loop=asyncio.get_running_loop()
        cookie=gw.cookie()
        await gw.ask("/a",fields=b"Accept: */*\r\n"+cookie)  # fails, but session known
        src=Src(loop)
        way=gw.door._forwarding["hr"]
        object.__setattr__(way.http,"source",src)
        wit=Witness(Log(stream=io.StringIO()),Metrics(),Clock())
        li=Listener(TABLE,Doors(SteeredDoor(),gw.door,SteeredDoor()),Believed((),HeadLimits()),wit,Crowd(0))
        srv=Server(li)
        cl=ClientConnection(srv,loop); tr=Tr(); cl.connection_made(tr)
        H=b"GET /reports/%d/index?x=1 HTTP/1.1\r\nHost: hr.example.com\r\nConnection: keep-alive\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36\r\nAccept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8\r\nSec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\nReferer: https://hr.example.com/reports/%d/index\r\nAccept-Encoding: gzip, deflate, br, zstd\r\nAccept-Language: en-GB,en;q=0.9,de;q=0.8\r\n"+cookie[:-2]+b"; JSESSIONID=%d\r\n\r\n"
        n=0
        vary=len(sys.argv)>1 and sys.argv[1]=="vary"
        async def one():
            nonlocal n
            n+=1
            cl.data_received(H%(n,n if vary else 1,n if vary else 7))
            await asyncio.sleep(0)
            src.last.data_received(ANSWER)
            await asyncio.sleep(0)
        async def many(k):
            for _ in range(k): await one()
        await many(3000)
        assert b"200 OK" in tr.last, tr.last
        best=1e9
        for r in range(8):
            t=time.process_time(); await many(2000); best=min(best,(time.process_time()-t)/2000*1e6)
        t=time.process_time()
        for _ in range(4000): await asyncio.sleep(0)
        empty=(time.process_time()-t)/2000*1e6
        print(f"{best:.1f} us each, of it loop {empty:.1f}", "vary" if vary else "same")
        if "prof" in sys.argv:
            p=cProfile.Profile(); p.enable(); await many(5000); p.disable()
            s=pstats.Stats(p); s.sort_stats("tottime").print_stats(45)
with asyncio.Runner(loop_factory=uvloop.new_event_loop) as r: r.run(main())
