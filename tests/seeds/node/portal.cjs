// The thread's portal (seed 3) with Express and axios: the author's own code, complete where the forum cut it, and what it becomes.
// POST /setup says where things are. `shape`: "thread" is as the author wrote it, "recipe" is deploy/portal-express.
const express = require('express');
const { portal } = require(process.env.PORTAL_RECIPE);
const { threadPortal } = require('./thread.cjs');

const app = express();
let routes = null;
app.post('/setup', express.json(), (asked, answer) => {
  routes = asked.body.shape === 'thread' ? threadPortal(asked.body) : portal(asked.body);
  answer.json({});
});
app.use((asked, answer, next) => (routes ? routes(asked, answer, next) : next()));

const server = app.listen(0, '127.0.0.1', () => console.log(server.address().port));
