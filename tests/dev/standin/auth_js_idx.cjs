// Okta's own client, unchanged, in Node, by its IDX flow: a password, a code, a push, a wrong password, a cancelled sign-in.
// usage: node auth_js_idx.cjs <folder of okta-auth-js> <url of the org> <alice's TOTP secret, in hexadecimal>
const { createHmac } = require('node:crypto');
const { OktaAuth } = require(process.argv[2]);

const [org, secret] = [process.argv[3], Buffer.from(process.argv[4], 'hex')];
const order = (path, body) => fetch(`${org}/.standin/${path}`, { method: 'POST', body: JSON.stringify(body) });

function code() {
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30000)));
  const digest = createHmac('sha1', secret).update(step).digest();
  return String((digest.readUInt32BE(digest[19] & 15) & 0x7fffffff) % 1000000).padStart(6, '0');
}

function made() {
  return new OktaAuth({
    issuer: `${org}/oauth2/default`,
    clientId: '0oaPage',
    redirectUri: 'https://rp.example.com/callback',
    scopes: ['openid', 'profile', 'email', 'offline_access'],
    pkce: true,
    idx: { enableLegacyMode: true },
    storageManager: { token: { storageTypes: ['memory'] }, transaction: { storageTypes: ['memory'] } },
  });
}

const login = (tokens) => tokens.idToken.claims.preferred_username;

async function main() {
  const seen = {};
  const bob = made();
  const wrong = await bob.idx.authenticate({ username: 'bob@example.com', password: 'guess' });
  seen.wrong = [wrong.status, wrong.messages.map((each) => each.i18n.key)];
  const right = await bob.idx.authenticate({ username: 'bob@example.com', password: 'correct-horse' });
  seen.right = [right.status, login(right.tokens), Boolean(right.tokens.refreshToken)];

  const alice = made();
  const asked = await alice.idx.authenticate({ username: 'alice@example.com', password: 'correct-horse' });
  seen.asked = [asked.status, asked.nextStep.name, asked.nextStep.inputs[0].options.map((each) => each.label)];
  const chosen = await alice.idx.authenticate({ authenticator: 'google_otp' });
  seen.chosen = [chosen.status, chosen.nextStep.name, chosen.nextStep.authenticator.key];
  const proven = await alice.idx.authenticate({ verificationCode: code() });
  seen.proven = [proven.status, login(proven.tokens)];

  const again = made();
  await again.idx.authenticate({ username: 'alice@example.com', password: 'correct-horse' });
  const pushed = await again.idx.authenticate({ authenticator: 'okta_verify' });
  seen.pushed = [pushed.status, pushed.nextStep.name, pushed.nextStep.poll.refresh];
  seen.waiting = (await again.idx.poll()).status;
  await order('pushes', { login: 'alice@example.com', result: 'SUCCESS' });
  const approved = await again.idx.poll();
  seen.approved = [approved.status, login(approved.tokens)];

  const third = made();
  await third.idx.authenticate({ username: 'alice@example.com', password: 'correct-horse' });
  seen.cancelled = (await third.idx.cancel()).status;
  console.log(JSON.stringify(seen));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
