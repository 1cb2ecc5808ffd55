// Okta's own client, unchanged, in Node against an org. Prints what it saw as one JSON line.
// usage: node auth_js_session.cjs <folder of okta-auth-js> <url of the org> <session token of somebody else>
const { OktaAuth } = require(process.argv[2]);

const org = process.argv[3];
const jar = new Map();

function keep(line) {
  const [pair, ...attributes] = line.split(';');
  const at = pair.indexOf('=');
  if (attributes.some((each) => each.trim() === 'Max-Age=0')) jar.delete(pair.slice(0, at));
  else jar.set(pair.slice(0, at), pair.slice(at + 1));
}

// Node's fetch keeps no cookies: this request client does, and is else what auth-js asks of one.
async function request(method, url, { headers = {}, data } = {}) {
  const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
  const body = data === undefined ? undefined : JSON.stringify(data);
  const answer = await fetch(url, { method, headers: { ...headers, cookie }, body, redirect: 'manual' });
  answer.headers.getSetCookie().forEach(keep);
  const seen = { status: answer.status, headers: Object.fromEntries(answer.headers), responseText: await answer.text() };
  if ((seen.headers['content-type'] || '').includes('json')) {
    seen.responseType = 'json';
    seen.responseJSON = JSON.parse(seen.responseText);
  }
  if (!answer.ok && answer.status >= 400) throw seen;
  return seen;
}

async function main() {
  const client = new OktaAuth({ issuer: `${org}/oauth2/default`, clientId: '0oa1', httpRequestClient: request });
  const redeem = (token) => request('GET', `${org}/login/sessionCookieRedirect?token=${token}&redirectUrl=%2Fapp%2FUserHome`);
  const seen = { before: await client.session.exists(), inactive: await client.session.get() };
  seen.refusal = await client.signInWithCredentials({ username: 'alice@example.com', password: 'guess' }).catch((error) => error.errorCode);
  const transaction = await client.signInWithCredentials({ username: 'alice@example.com', password: 'correct-horse' });
  seen.status = transaction.status;
  seen.user = transaction.user.profile.login;
  await redeem(transaction.sessionToken);
  seen.exists = await client.session.exists();
  const session = await client.session.get();
  seen.login = session.login;
  seen.me = (await session.user()).profile.login;
  seen.refreshed = (await session.refresh()).id === session.id && (await client.session.refresh()).id === session.id;
  await redeem(process.argv[4]);
  seen.afterAnother = (await client.session.get()).login;
  seen.closed = await client.closeSession();
  seen.closedAgain = await client.closeSession();
  seen.after = await client.session.exists();
  seen.refreshAfter = await client.session.refresh().catch((error) => error.errorCode);
  console.log(JSON.stringify(seen));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
