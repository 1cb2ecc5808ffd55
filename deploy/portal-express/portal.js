// A portal that signs its users in at Okta by session token and sends the browser on to an embed link: Express and axios.
// Behind session-gateway it closes no session: the gateway does, before the token reaches Okta.
const { createHash } = require('node:crypto');
const axios = require('axios');
const express = require('express');

// login:  the gateway's login host, "https://login.example.com"
// link:   the embed link of the application on that host
// home:   where this portal is, for the way back from a sign-out
// users:  login to password; a real portal has signed its user in and looks the password up
// secret: one of the gateway's switch.portal_secrets_file. Only needed where the portal is on another site and sends no Referer.
function portal({ login, link, home, users, secret = '', referrerPolicy = 'origin' }) {
  const gateway = axios.create({ baseURL: login, timeout: 10_000 });
  const routes = express.Router();

  routes.use((request, answer, next) => {
    // The gateway trusts listed portals by the Referer of the redirect; helmet's default, no-referrer, would hide it.
    answer.set({ 'Referrer-Policy': referrerPolicy, 'Cache-Control': 'no-store' });
    next();
  });

  routes.get('/', (request, answer) => answer.send(page('Portal', Object.keys(users).map(button).join(''), signOut)));
  routes.get('/goodbye', (request, answer) => answer.send(page('Goodbye', '<p id="goodbye">You are signed out.</p>')));

  routes.post('/enter', express.urlencoded({ extended: false }), async (request, answer) => {
    const user = request.body.user;
    if (!Object.hasOwn(users, user)) return answer.status(400).send(page('Nobody of that name', ''));
    try {
      const sessionToken = await tokenOf(gateway, user, users[user]);
      if (secret) await announce(gateway, secret, request, sessionToken);
      return answer.redirect(303, `${link}?${new URLSearchParams({ sessionToken })}`);
    } catch (error) {
      return answer.status(502).send(page('Okta did not sign you in', `<p id="problem">${escaped(causeOf(error))}</p>`));
    }
  });

  // Ends the session everywhere and comes back here, where switch.return_origins lists this portal.
  routes.get('/sign-out', (request, answer) => {
    answer.redirect(303, `${login}/login/signout?${new URLSearchParams({ fromURI: `${home}/goodbye` })}`);
  });
  return routes;
}

// A token works once, within five minutes. Do not spend it with POST /api/v1/sessions: that session would be this server's.
async function tokenOf(gateway, username, password) {
  const answer = await gateway.post('/api/v1/authn', { username, password });
  if (answer.data.status !== 'SUCCESS') throw new Error(`Okta asks for more: ${answer.data.status}`);
  return answer.data.sessionToken;
}

// Back channel: "the browser at this address is about to come with this token".
async function announce(gateway, secret, request, sessionToken) {
  const start = {
    address: request.ip,
    user_agent: request.get('User-Agent') || '',
    token_sha256: createHash('sha256').update(sessionToken).digest('hex'),
  };
  await gateway.post('/.gateway/starts', start, { headers: { Authorization: `Bearer ${secret}` } });
}

function causeOf(error) {
  const told = error.response?.data;
  return told?.errorCauses?.[0]?.errorSummary || told?.errorSummary || error.message;
}

const ENTITIES = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const escaped = (text) => String(text).replace(/[&<>"]/g, (character) => ENTITIES[character]);
const button = (user) => `<form method="post" action="/enter"><button name="user" value="${escaped(user)}">Enter as ${escaped(user)}</button></form>`;
const signOut = '<p><a id="sign-out" href="/sign-out">Sign out</a></p>';

function page(heading, content, more = '') {
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>${heading}</title><link rel="icon" href="data:,">
<style>body { margin: 3rem auto; max-width: 30rem; font: 1.1rem/1.5 system-ui, sans-serif } button { font: inherit; margin: .3rem 0 }</style>
<h1>${heading}</h1>${content}${more}</html>`;
}

module.exports = { portal };

if (require.main === module) {
  const { LOGIN_URL, EMBED_LINK, HOME_URL, PORTAL_USERS, PORTAL_SECRET, PORT } = process.env;
  const app = express();
  // Behind a load balancer: its address, so that request.ip is the browser's.
  app.set('trust proxy', process.env.TRUST_PROXY || false);
  app.use(portal({ login: LOGIN_URL, link: EMBED_LINK, home: HOME_URL, users: JSON.parse(PORTAL_USERS), secret: PORTAL_SECRET }));
  app.listen(Number(PORT || 3000), () => console.log(`the portal listens on ${PORT || 3000}`));
}
