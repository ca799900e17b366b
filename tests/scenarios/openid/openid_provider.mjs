// A certified OpenID provider (npm oidc-provider) in a process of its own, for the tests of this folder.
// Settings come as JSON in OPENID_PROVIDER: issuer, keys (JWK set), people (login -> claims).
import { createServer } from "node:http";
import Provider from "oidc-provider";

const { issuer, keys, people } = JSON.parse(process.env.OPENID_PROVIDER);
const provider = new Provider(issuer, {
  jwks: keys,
  scopes: ["openid", "email", "profile"],
  claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"] },
  findAccount: (_ctx, sub) => ({ accountId: sub, claims: async () => ({ sub, ...people[sub] }) }),
  pkce: { required: () => true },
  features: {
    devInteractions: { enabled: true },
    registration: { enabled: true },
    jwtUserinfo: { enabled: true },
    rpInitiatedLogout: { enabled: true },
    backchannelLogout: { enabled: true },
  },
  fetch: (url, { dispatcher: _guard, ...options }) => fetch(url, options), // its guard refuses this machine's addresses
});
provider.proxy = true;
for (const event of ["server_error", "backchannel.error"]) provider.on(event, (...args) => console.error(event, args.at(-1)?.message ?? args));
const server = createServer(provider.callback());
server.listen(0, "127.0.0.1", () => console.log(`listening ${server.address().port}`));
