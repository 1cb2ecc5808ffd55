// An Express app as people write it: a session whose cookie is named `sid`, a form, a redirect with the whole address, an upload.
const express = require("express");
const session = require("express-session");

const app = express();
app.use(session({ name: "sid", secret: "of a test", resave: false, saveUninitialized: true }));
app.use(express.urlencoded({ extended: false }));

app.get("/count", (request, response) => {
  request.session.count = (request.session.count || 0) + 1;
  response.send(`${request.get("Remote-User")} ${request.session.count}`);
});
app.post("/form", (request, response) => {
  request.session.word = request.body.word;
  response.redirect(`${request.protocol}://${request.get("Host")}/done`);
});
app.get("/done", (request, response) => response.send(request.session.word));
app.put("/upload", (request, response) => {
  let size = 0;
  request.on("data", (piece) => { size += piece.length; });
  request.on("end", () => response.send(String(size)));
});
app.get("/", (request, response) => response.send("home"));

const server = app.listen(Number(process.argv[2]), "127.0.0.1", () => console.log("ready"));
process.on("SIGTERM", () => { server.closeAllConnections(); server.close(); });
