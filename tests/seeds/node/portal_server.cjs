// The thread's own code (seed 3), with axios unchanged: what a server sees that closes "the current session", and creates one.
const axios = require('axios');

const { org, login, password, withCredentials } = JSON.parse(process.argv[2]);
const oktaConfig = { headers: { Accept: 'application/json' }, withCredentials };

async function closeCurrentSession() {
  const requestUrl = `${org}/api/v1/sessions/me`;
  return (await axios.delete(requestUrl, oktaConfig)).status;
}

async function simpleAuthentication() {
  const options = { multiOptionalFactorEnroll: true, warnBeforePasswordExpired: true };
  const answer = await axios.post(`${org}/api/v1/authn`, { username: login, password, options }, oktaConfig);
  return answer.data.sessionToken;
}

async function main() {
  const closed = await closeCurrentSession().catch((error) => error.response);
  const sessionToken = await simpleAuthentication();
  const spent = await simpleAuthentication();
  const created = await axios.post(`${org}/api/v1/sessions`, { sessionToken: spent }, oktaConfig);
  const facts = { status: closed.status, body: closed.data, link: closed.headers?.link || '' };
  console.log(JSON.stringify({ closed: facts, sessionToken, spent, created: created.data.id, cookies: created.headers['set-cookie'] || [] }));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
