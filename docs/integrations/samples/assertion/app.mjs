// An app that believes nobody but Sallyport's signature: it greets the person whom
// X-Sallyport-Assertion names, and answers 401 to everybody else. npm install jose
//
//   ISSUER    SALLYPORT_PUBLIC_URL
//   AUDIENCE  SALLYPORT_ASSERTION_AUDIENCE, which is the public URL if it is unset
//   JWKS_URL  the public URL and /oauth2/jwks
//   LISTEN    where to listen; 127.0.0.1:8080 if it is unset

import { createServer } from "node:http";
import { createRemoteJWKSet, jwtVerify } from "jose";

// Fetched when it is first needed, and again for a key that it does not have.
const keys = createRemoteJWKSet(new URL(process.env.JWKS_URL));

async function whoIs(req) {
  const { payload } = await jwtVerify(req.headers["x-sallyport-assertion"], keys, {
    issuer: process.env.ISSUER,
    audience: process.env.AUDIENCE,
    algorithms: ["ES256"],
    typ: "JWT",
    requiredClaims: ["sub", "exp"],
  });
  return payload;
}

const server = createServer(async (req, res) => {
  let who;
  try {
    who = await whoIs(req);
  } catch (error) {
    console.error(`refused: ${error.message}`);
    res.writeHead(401).end("not through Sallyport\n");
    return;
  }
  res.end(`Hello ${who.sub} <${who.email}> of [${(who.groups ?? []).join(" ")}]\n`);
});

const [host, port] = (process.env.LISTEN || "127.0.0.1:8080").split(":");
server.listen(Number(port), host, () => console.error(`listening on ${host}:${server.address().port}`));
