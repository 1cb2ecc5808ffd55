// An Express application with Okta's middleware, unchanged, and a session of its own. It is told by POST /setup where it and its issuer are.
const express = require('express');
const session = require('express-session');
const { ExpressOIDC } = require('@okta/oidc-middleware');

const app = express();
let routes = null;

app.post('/setup', express.json(), (asked, answer) => {
  const { issuer, appBaseUrl, client_id, client_secret } = asked.body;
  const scope = 'openid profile email';
  const logoutRedirectUri = `${appBaseUrl}/bye`;
  const testing = { disableHttpsCheck: true };
  const oidc = new ExpressOIDC({ issuer, appBaseUrl, logoutRedirectUri, client_id, client_secret, scope, testing });
  routes = express.Router();
  routes.use(session({ name: 'rp.sid', secret: 'a secret of one test', resave: true, saveUninitialized: false }));
  routes.use(oidc.router);
  routes.get('/', oidc.ensureAuthenticated(), (request, shown) => {
    shown.send(`<p id="who">${request.userContext.userinfo.email}</p><p id="told">${request.headers['remote-user'] || ''}</p>`);
  });
  routes.get('/local-logout', (request, done) => {
    request.logout(() => done.send('<p id="who"></p>'));
  });
  routes.get('/logout', oidc.forceLogoutAndRevoke());
  routes.get('/bye', (request, shown) => shown.send('<p id="who"></p>bye'));
  oidc.on('ready', () => answer.json({}));
  oidc.on('error', (error) => answer.status(500).json({ error: String(error) }));
});
app.use((asked, answer, next) => (routes ? routes(asked, answer, next) : next()));

const server = app.listen(0, '127.0.0.1', () => console.log(server.address().port));
