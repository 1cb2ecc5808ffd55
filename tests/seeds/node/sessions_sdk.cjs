// Okta's SDK of the Management API, unchanged: a server reads, refreshes and ends a session by its id.
const okta = require('@okta/okta-sdk-nodejs');

const { org, token, id } = JSON.parse(process.argv[2]);

async function main() {
  const client = new okta.Client({ orgUrl: org, token, testing: { disableHttpsCheck: true } });
  const found = await client.sessionApi.getSession({ sessionId: id });
  const refreshed = await client.sessionApi.refreshSession({ sessionId: id });
  await client.sessionApi.revokeSession({ sessionId: id });
  const after = await client.sessionApi.getSession({ sessionId: id }).then(() => 200, (error) => error.status);
  console.log(JSON.stringify({ login: found.login, status: found.status, refreshed: refreshed.login, after }));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
