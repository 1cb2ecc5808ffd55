// An app with its own sign-in, a form, an upload, a redirect of its own, a session whose cookie is named `sid`, and socket.io.
const express = require("express");
const session = require("express-session");
const multer = require("multer");
const { Server } = require("socket.io");

const app = express();
const upload = multer();
app.use(session({ name: "sid", secret: "of a test", resave: false, saveUninitialized: true }));
app.use(express.urlencoded({ extended: false }));

const icon = "<link rel=icon href=data:,>";
const escaped = (text) => String(text).replace(/[&<>]/g, (sign) => `&#${sign.charCodeAt(0)};`);
const said = (id, text) => `<p id=${id}>${escaped(text)}</p>`;
const enter = `${icon}<form method=post action=/desk/enter><input id=name name=name><input id=password name=password><button>Enter</button></form>`;
const form = `${icon}<p id=sid>none</p><form method=post action=form enctype=multipart/form-data><input id=word name=word><input id=file name=file type=file>
<button>Send</button></form>`;
const live = `<p id=heard>nothing</p><p id=way></p><script src=/socket.io/socket.io.js></script><script>
const heard = document.getElementById("heard"), socket = io({ reconnection: false });
socket.on("said", (text) => { heard.textContent = text; });
// The upgrade may come before "connect"; what is said meanwhile waits.
socket.io.on("open", () => {
  socket.io.engine.once("upgrade", () => { document.getElementById("way").textContent = socket.io.engine.transport.name; socket.emit("say", "grüß dich"); });
});
socket.on("disconnect", () => { heard.textContent = "closed"; });
</script>`;

app.post("/desk/enter", (request, response) => {
  request.session.regenerate(() => {
    request.session.person = request.body.name;
    response.redirect(`${request.protocol}://${request.get("Host")}/desk/form`);
  });
});
app.use("/desk", (request, response, next) => (request.session.person ? next() : response.send(enter)));
app.get("/desk/form", (request, response) => response.send(form));
app.post("/desk/form", upload.single("file"), (request, response) => {
  Object.assign(request.session, { word: request.body.word, size: request.file.size });
  response.redirect(`${request.protocol}://${request.get("Host")}/desk/done`);
});
app.get("/desk/done", (request, response) => {
  const { person, word, size } = request.session;
  response.send(icon + said("told", request.get("Remote-User")) + said("name", person) + said("word", word) + said("size", size) + said("sid", `of-${person}`) + live);
});
app.get("/hints", (request, response) => response.writeEarlyHints({ link: "</style.css>; rel=preload" }, () => response.send("late")));
app.get("/", (request, response) => response.send(icon));

const server = app.listen(Number(process.argv[2]), "127.0.0.1", () => console.log("ready"));
new Server(server).on("connection", (socket) => {
  socket.on("say", (text) => socket.emit("said", `${socket.handshake.headers["remote-user"]}: ${text}`));
});
process.on("SIGTERM", () => process.exit(0));
