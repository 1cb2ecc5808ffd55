// Okta's own client, unchanged, in Node: a password and a code, a password and a push, an expired password, a locked account.
// usage: node auth_js_factors.cjs <folder of okta-auth-js> <url of the org> <shared secret of alice's TOTP factor, in hexadecimal>
const { createHmac } = require('node:crypto');
const { OktaAuth } = require(process.argv[2]);

const [org, secret] = [process.argv[3], Buffer.from(process.argv[4], 'hex')];
const client = new OktaAuth({ issuer: `${org}/oauth2/default`, clientId: '0oa1' });
const signIn = (username, password = 'correct-horse') => client.signInWithCredentials({ username, password });
const order = (path, body) => fetch(`${org}/.standin/${path}`, { method: 'POST', body: JSON.stringify(body) });

function code() {
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30000)));
  const digest = createHmac('sha1', secret).update(step).digest();
  return String((digest.readUInt32BE(digest[19] & 15) & 0x7fffffff) % 1000000).padStart(6, '0');
}

async function main() {
  const seen = {};
  let asked = await signIn('alice@example.com');
  seen.asked = [asked.status, asked.factors.map((each) => each.factorType)];
  const wrong = await asked.factors[0].verify({ passCode: '12345' }).catch((error) => error);
  seen.wrong = [wrong.errorCode, wrong.errorCauses[0].errorSummary];
  const proven = await asked.factors[0].verify({ passCode: code() });
  seen.proven = [proven.status, proven.sessionToken.slice(0, 5)];

  asked = await signIn('alice@example.com');
  const waiting = await asked.factors[1].verify();
  seen.waiting = [waiting.status, waiting.factorResult];
  const polling = waiting.poll({ delay: 20 });
  await order('pushes', { login: 'alice@example.com', result: 'SUCCESS' });
  seen.pushed = (await polling).status;

  asked = await signIn('alice@example.com');
  const refused = (await asked.factors[1].verify()).poll({ delay: 20 });
  await order('pushes', { login: 'alice@example.com', result: 'REJECTED' });
  const rejected = await refused;
  seen.rejected = [rejected.status, rejected.factorResult];
  seen.back = (await rejected.prev()).status;

  const expired = await signIn('bob@example.com');
  seen.expired = [expired.status, expired.user.profile.login];
  seen.changed = (await expired.changePassword({ oldPassword: 'correct-horse', newPassword: 'battery-staple' })).status;
  seen.old = await signIn('bob@example.com').catch((error) => error.errorCode);
  seen.fresh = (await signIn('bob@example.com', 'battery-staple')).status;

  await order('accounts', { login: 'bob@example.com', status: 'LOCKED_OUT' });
  seen.locked = (await signIn('bob@example.com', 'battery-staple')).status;
  console.log(JSON.stringify(seen));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
