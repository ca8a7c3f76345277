// Runs npm oidc-provider, a certified OpenID provider written by others, for the
// end-to-end tests. Everything is in memory.
//
// The one argument is JSON:
//
//   issuer                   "http://127.0.0.1:<port>"; the port is listened on
//   clientId, clientSecret   the one confidential client (client_secret_basic)
//   client                   metadata of it (RFC 7591) that take the place of clientSecret
//   pushed                   true: requests must be pushed (RFC 9126)
//   mutualTLS                { port, key, cert, ca }, PEM: a second listener, for
//                            clients with certificates (RFC 8705); ca is their issuer
//   redirectUris, postLogoutRedirectUris
//   backchannelLogoutUri     optional
//   signingAlg               of ID tokens: "RS256" (default) or "ES256"
//   accessTokenTTL           seconds, default 300
//   emailDomain              of everybody's address, default "example.com"
//   groups                   of everybody, beside their own, default none
//   openerPolicy             Cross-Origin-Opener-Policy of every answer, default none
//   tokenDelay               milliseconds that an answer of the token endpoint is
//                            held back after its tokens were issued, default 0
//
// Standard output has one JSON object a line: {"event":"listening"} first, and
// later what the provider did: grants, revocations, logouts.

import { generateKeyPairSync, randomBytes, randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { createServer as createTLSServer } from "node:https";

import { Provider } from "oidc-provider";

const config = JSON.parse(process.argv[2]);

const say = (event, more = {}) => process.stdout.write(JSON.stringify({ event, ...more }) + "\n");

const people = new Map(
  [
    { sub: "ada", name: "Ada Lovelace", preferred_username: "ada", email: "ada@example.com", email_verified: true, groups: ["engineering", "admins"] },
    { sub: "grace", name: "Grace Hopper", preferred_username: "grace", email: "grace@example.com", email_verified: true, groups: ["engineering"] },
    { sub: "zoe", name: "Zoë, Ltd. 50%", preferred_username: "Zoë", email: "zoe@example.com", email_verified: true, groups: ["R&D, Europe", "50%"] },
  ].map((p) => [p.sub, { ...p, email: p.email.replace("example.com", config.emailDomain || "example.com"), groups: [...p.groups, ...(config.groups || [])] }]),
);

// The pair comes out of its generation as JWK. privateKey.export() of a KeyObject would do the
// same, and once in a few hundred starts wait forever: it allocates under the key's lock, and
// the collector that may then run destroys the job that made the key, which takes that lock
// (Node 20).
const jwk = { format: "jwk" };
const key = (alg, type, options) => {
  const { privateKey } = generateKeyPairSync(type, { ...options, publicKeyEncoding: jwk, privateKeyEncoding: jwk });
  return { ...privateKey, alg, use: "sig", kid: randomUUID() };
};

const provider = new Provider(config.issuer, {
  clients: [
    {
      client_id: config.clientId,
      ...(!config.client && { client_secret: config.clientSecret }),
      redirect_uris: config.redirectUris,
      post_logout_redirect_uris: config.postLogoutRedirectUris,
      grant_types: ["authorization_code", "refresh_token"],
      id_token_signed_response_alg: config.signingAlg || "RS256",
      ...(config.backchannelLogoutUri && {
        backchannel_logout_uri: config.backchannelLogoutUri,
        backchannel_logout_session_required: true,
      }),
      ...config.client,
    },
  ],
  jwks: {
    keys: [
      key("RS256", "rsa", { modulusLength: 2048 }),
      key("ES256", "ec", { namedCurve: "P-256" }),
    ],
  },
  // Cookies ignore ports: those of two providers on one host must differ in their names.
  cookies: {
    keys: [randomBytes(32).toString("hex")],
    names: Object.fromEntries(["interaction", "resume", "session"].map((n) => [n, `_${n}_${new URL(config.issuer).port}`])),
  },
  claims: {
    openid: ["sub"],
    profile: ["name", "preferred_username", "groups"],
    email: ["email", "email_verified"],
  },
  findAccount: (_ctx, id) => (people.has(id) ? { accountId: id, claims: () => people.get(id) } : undefined),
  features: {
    devInteractions: { enabled: false },
    revocation: { enabled: true },
    rpInitiatedLogout: { enabled: true, logoutSource: logoutPage },
    backchannelLogout: { enabled: true },
    pushedAuthorizationRequests: { enabled: true, requirePushedAuthorizationRequests: Boolean(config.pushed) },
    mTLS: {
      enabled: Boolean(config.mutualTLS),
      tlsClientAuth: true,
      selfSignedTlsClientAuth: true,
      getCertificate: (ctx) => ctx.socket.getPeerX509Certificate?.()?.toString(),
      certificateAuthorized: (ctx) => ctx.socket.authorized,
      // One attribute to a line there, in the order of the certificate; RFC 4514 has commas and the reverse.
      certificateSubjectMatches: (ctx, _property, expected) =>
        ctx.socket.getPeerX509Certificate().subject.split("\n").reverse().join(",") === expected,
    },
  },
  clientAuthMethods: [
    "client_secret_basic", "client_secret_post", "private_key_jwt", "none",
    ...(config.mutualTLS ? ["tls_client_auth", "self_signed_tls_client_auth"] : []),
  ],
  ...(config.mutualTLS && { discovery: { mtls_endpoint_aliases: aliases() } }),
  // Its own would refuse to call us on loopback.
  fetch: (url, { dispatcher: _, ...options }) => globalThis.fetch(url, options),
  pkce: { required: () => true },
  // Refresh tokens without offline_access; they end with the session.
  issueRefreshToken: (_ctx, client) => client.grantTypeAllowed("refresh_token"),
  rotateRefreshToken: true,
  loadExistingGrant,
  interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
  ttl: {
    AccessToken: config.accessTokenTTL || 300,
    AuthorizationCode: 60,
    Grant: 3600,
    IdToken: 300,
    Interaction: 600,
    RefreshToken: 3600,
    Session: 3600,
  },
});

// Everyone consents: a sign-in is one form.
async function loadExistingGrant(ctx) {
  const { session, client } = ctx.oidc;
  const known = session.grantIdFor(client.clientId);
  const grant = known && (await provider.Grant.find(known));
  if (grant) return grant;
  const fresh = new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
  fresh.addOIDCScope("openid profile email offline_access");
  await fresh.save();
  return fresh;
}

function aliases() {
  const origin = `https://127.0.0.1:${config.mutualTLS.port}`;
  return {
    token_endpoint: `${origin}/token`,
    revocation_endpoint: `${origin}/token/revocation`,
    pushed_authorization_request_endpoint: `${origin}/request`,
  };
}

function logoutPage(ctx, form) {
  ctx.body = `<!doctype html><title>Sign out</title>${form}<button form="op.logoutForm" name="logout" value="yes">Sign out</button>`;
}

async function interaction(req, res) {
  const { uid, prompt } = await provider.interactionDetails(req, res);
  if (req.method !== "POST") {
    res.setHeader("content-type", "text/html; charset=utf-8");
    res.end(`<!doctype html><title>Sign in</title><p>${prompt.name}</p>
<form method="post" action="/interaction/${uid}"><input name="login"><button>Sign in</button></form>`);
    return;
  }
  let body = "";
  for await (const chunk of req) body += chunk;
  const accountId = new URLSearchParams(body).get("login");
  const result = people.has(accountId)
    ? { login: { accountId } }
    : { error: "access_denied", error_description: "nobody of that name" };
  await provider.interactionFinished(req, res, result, { mergeWithLastSubmission: false });
}

provider.on("grant.success", (ctx) => say("grant.success", { grant_type: ctx.oidc.params.grant_type, tls: Boolean(ctx.socket.encrypted) }));
provider.on("pushed_authorization_request.success", (ctx) => say("pushed", { tls: Boolean(ctx.socket.encrypted) }));
provider.on("pushed_authorization_request.error", (_ctx, e) => say("pushed.error", { error: e.error, detail: e.error_detail ?? e.error_description }));
provider.on("grant.error", (ctx, e) => say("grant.error", { grant_type: ctx.oidc.params?.grant_type, error: e.error, detail: e.error_detail }));
provider.on("grant.revoked", () => say("grant.revoked"));
provider.on("refresh_token.destroyed", () => say("refresh_token.destroyed"));
provider.on("access_token.destroyed", () => say("access_token.destroyed"));
provider.on("revocation.error", (_ctx, e) => say("revocation.error", { error: e.message }));
provider.on("userinfo.error", (_ctx, e) => say("userinfo.error", { error: e.message }));
provider.on("authorization.error", (_ctx, e) => say("authorization.error", { error: e.error, detail: e.error_description }));
provider.on("end_session.success", () => say("end_session.success"));
provider.on("end_session.error", (_ctx, e) => say("end_session.error", { error: e.message }));
provider.on("backchannel.success", () => say("backchannel.success"));
provider.on("backchannel.error", (_ctx, e) => say("backchannel.error", { error: e.message, cause: String(e.cause) }));
provider.on("server_error", (_ctx, e) => say("server_error", { error: e.stack }));

function holdBack(res) {
  const end = res.end.bind(res);
  res.end = (...answer) => setTimeout(() => end(...answer), config.tokenDelay || 0);
}

const handle = provider.callback();
const serve = (req, res) => {
  if (config.openerPolicy) res.setHeader("cross-origin-opener-policy", config.openerPolicy);
  if (!req.url.startsWith("/interaction/")) {
    if (req.url === "/token") holdBack(res);
    handle(req, res);
    return;
  }
  interaction(req, res).catch((e) => {
    say("interaction.error", { error: e.message });
    res.statusCode = 400;
    res.end("this sign-in is not under way");
  });
};
const server = createServer(serve);
server.on("error", (e) => {
  process.stderr.write(`${e.message}\n`);
  process.exit(1);
});
const { hostname, port } = new URL(config.issuer);
if (config.mutualTLS) {
  const { port: own, ...pem } = config.mutualTLS;
  createTLSServer({ ...pem, requestCert: true, rejectUnauthorized: false }, serve).listen(Number(own), hostname);
}
server.listen(Number(port), hostname, () => say("listening", { issuer: config.issuer }));
process.on("SIGTERM", () => process.exit(0));
