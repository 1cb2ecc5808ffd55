// An app whose users sign in by NTLM, with npm's express-ntlm as its README shows it. Argument: the folder of node_modules.
// It asks for a Windows user under /windows; /page asks nobody, and tells who the connection has been signed in as.
"use strict";

const modules = process.argv[2];
const express = require(`${modules}/express`);
const ntlm = require(`${modules}/express-ntlm`);

const app = express();
let handshakes = 0;

function tell(request, response) {
  const windows = (request.ntlm && request.ntlm.UserName) || (request.connection.ntlm && request.connection.ntlm.UserName) || "nobody";
  response.type("text/plain").send(`${windows} ${request.get("remote-user") || "-"}\n`);
}

app.get(["/", "/page"], tell);
app.get("/handshakes", (request, response) => response.type("text/plain").send(String(handshakes)));
app.use("/windows", ntlm(), (request, response) => {
  handshakes += request.get("authorization") ? 1 : 0;
  tell(request, response);
});

const server = app.listen(0, "127.0.0.1", () => process.stdout.write(`${server.address().port}\n`));
process.stdin.on("end", () => process.exit(0)).resume();
