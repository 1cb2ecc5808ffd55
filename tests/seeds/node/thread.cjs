// The portal as the thread's author wrote it (seed 3): it tries to close "the current session" from the server, and redirects.
const axios = require('axios');
const express = require('express');

function threadPortal({ login, link, users }) {
  const oktaConfig = { headers: { Accept: 'application/json' }, withCredentials: true };
  const seen = [];

  async function closeCurrentSession() {
    const requestUrl = `${login}/api/v1/sessions/me`;
    await axios.delete(requestUrl, oktaConfig);
  }

  async function tryCloseCurrentSession() {
    try {
      await closeCurrentSession();
      seen.push(204);
    } catch (error) {
      seen.push(error.response.status);
    }
  }

  async function simpleAuthentication(username, password) {
    const options = { multiOptionalFactorEnroll: true, warnBeforePasswordExpired: true };
    const answer = await axios.post(`${login}/api/v1/authn`, { username, password, options }, oktaConfig);
    return answer.data.sessionToken;
  }

  async function getSessionToken(user) {
    await tryCloseCurrentSession();
    return simpleAuthentication(user.login, user.password);
  }

  const routes = express.Router();
  routes.get('/', (request, answer) => {
    const forms = Object.keys(users).map((user) => `<form method="post" action="/enter"><button name="user" value="${user}">Enter as ${user}</button></form>`);
    answer.send(`<!doctype html><title>Portal</title><link rel="icon" href="data:,">${forms.join('')}`);
  });
  routes.get('/seen', (request, answer) => answer.json(seen));
  routes.post('/enter', express.urlencoded({ extended: false }), async (request, answer) => {
    const sessionToken = await getSessionToken({ login: request.body.user, password: users[request.body.user] });
    const finalUrl = `${link.trim()}?sessionToken=${sessionToken}`;
    answer.redirect(finalUrl);
  });
  return routes;
}

module.exports = { threadPortal };
