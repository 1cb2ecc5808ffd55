// A server that redeems a session token at /authorize, exchanges the code, and checks both tokens with Okta's verifier, unchanged.
const OktaJwtVerifier = require('@okta/jwt-verifier');

const { issuer, clientId, secret, back, sessionToken } = JSON.parse(process.argv[2]);

async function main() {
  const asked = { client_id: clientId, redirect_uri: back, response_type: 'code', scope: 'openid email', state: 's', nonce: 'n', sessionToken };
  const sent = await fetch(`${issuer}/v1/authorize?${new URLSearchParams(asked)}`, { redirect: 'manual' });
  const code = new URL(sent.headers.get('location')).searchParams.get('code');
  const form = { grant_type: 'authorization_code', code, redirect_uri: back, client_id: clientId, client_secret: secret };
  const tokens = await (await fetch(`${issuer}/v1/token`, { method: 'POST', body: new URLSearchParams(form) })).json();
  const verifier = new OktaJwtVerifier({ issuer, clientId, testing: { disableHttpsCheck: true } });
  const access = await verifier.verifyAccessToken(tokens.access_token, 'api://default');
  const id = await verifier.verifyIdToken(tokens.id_token, clientId, 'n');
  console.log(JSON.stringify({ access: access.claims.sub, email: id.claims.email }));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
