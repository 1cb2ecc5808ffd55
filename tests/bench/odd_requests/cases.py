"""What is sent: 89 request targets and 61 methods.

Owns the two lists. Each target is what stands in the request line, as bytes; every method asks for ``/x``.
"""

from typing import Final

PLAIN: Final = (b"/", b"/x", b"/a/b.html", b"/a/b/", b"/~a/b-c_d.e", b"/x?a=1&b=%20+", b"/a:b@c!$&'()*,;=", b"/%41%7e")
SLASHES: Final = (
    *(b"/api/queues/%2F/orders", b"/api/queues/%2f/orders", b"/view/https%3A%2F%2Fx", b"/a%2Fb", b"/a%252Fb", b"/a//b", b"//a/b", b"///"),
    *(b"/a/b//", b"/a/%2F/b", b"/%2Fa", b"//admin/x", b"/x//admin", b"/admin%2Fx", b"/x%2F..%2Fadmin%2Fx"),
)
DOTS: Final = (
    *(b"/a/./b", b"/a/../b", b"/a/..", b"/a/.", b"/./a", b"/..", b"/../a", b"/a/../../b", b"/a/%2e%2e/b", b"/a/%2E/b", b"/a/.%2e/b"),
    *(
        b"/x/../admin/x",
        b"/x/%2e%2e/admin/x",
        b"/admin/../x",
        b"/a/.../b",
        b"/a/..;/b",
        b"/x/..;/admin/x",
        b"/a/..%20/b",
        b"/a/%252e%252e/b",
    ),
    *(b"/a/b/..%2Fc", b"/.hidden", b"/a..b", b"/a/..b"),
)
BACKSLASHES: Final = (b"/users/CORP%5Calice", b"/users/CORP\\alice", b"/a%5C..%5Cb", b"/x%5C..%5Cadmin%5Cx", b"/%5Ca", b"/a%5c%5cb")
PARAMETERS: Final = (b"/a;jsessionid=1", b"/a/;v=1/b", b"/a;b=c;d/e", b"/a%3Bb", b"/;/a", b"/admin;x/y", b"/x;/../admin/x")
BYTES: Final = (
    *(
        b"/%C0%B4.html",
        b"/%C0%AE%C0%AE/a",
        b"/x/%C0%AE%C0%AE/admin/x",
        b"/%ff%fe",
        b"/%C3%A9",
        b"/\xc3\xa9",
        b"/x?q=\xe4",
        b"/x?q=\xc3\xa4",
    ),
    *(b"/%E2%82%AC", b"/%ED%A0%80", b"/a%00b", b"/a%0ab", b"/a%0d%0aX:1", b"/a%7fb", b"/a\x01b", b"/a\x7fb", b"/a%20b"),
)
ESCAPES: Final = (b"/%", b"/%4", b"/%zz", b"/%u0041", b"/a%3Fb", b"/a%23b", b"/x?%zz", b"/x?a=%00", b'/x?"<>|^`{}')
FORMS: Final = (b"*", b"http://hr.example.com/x", b"/x#y", b"x")

TARGETS: Final = (*PLAIN, *SLASHES, *DOTS, *BACKSLASHES, *PARAMETERS, *BYTES, *ESCAPES, *FORMS)

REGISTERED: Final = (
    *(b"ACL", b"BASELINE-CONTROL", b"BIND", b"CHECKIN", b"CHECKOUT", b"CONNECT", b"COPY", b"DELETE", b"GET", b"HEAD", b"LABEL", b"LINK"),
    *(b"LOCK", b"MERGE", b"MKACTIVITY", b"MKCALENDAR", b"MKCOL", b"MKREDIRECTREF", b"MKWORKSPACE", b"MOVE", b"OPTIONS", b"ORDERPATCH"),
    *(b"PATCH", b"POST", b"PRI", b"PROPFIND", b"PROPPATCH", b"PUT", b"QUERY", b"REBIND", b"REPORT", b"SEARCH", b"TRACE", b"UNBIND"),
    *(b"UNCHECKOUT", b"UNLINK", b"UNLOCK", b"UPDATE", b"UPDATEREDIRECTREF", b"VERSION-CONTROL"),
)
"""IANA's registry of HTTP methods, without ``*``."""
IN_USE: Final = (
    *(b"RPC_IN_DATA", b"RPC_OUT_DATA", b"BITS_POST", b"CCM_POST", b"SUBSCRIBE", b"UNSUBSCRIBE", b"NOTIFY", b"POLL", b"M-SEARCH", b"PURGE"),
    *(b"SOURCE", b"TRACK", b"X-MS-ENUMATTS"),
)
ODD: Final = (b"get", b"Get", b"G", b"0", b"!#$%&'*+-.^_`|~", b"A" * 200, b"GE(T", b"G\xc3\x89T")

METHODS: Final = (*REGISTERED, *IN_USE, *ODD)
