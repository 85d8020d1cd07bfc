// The libraries for platforms that prove themselves by a token, or by a detached signature with a header of its own (JWS).
//
// A request to sign has the "claims" of a token and, where the platform publishes its keys, the "keyId"; the answer has the
// "token". A request to verify has what the token has to say: its "issuer" and its "audience", where it names them.

import { createPrivateKey, createPublicKey } from 'node:crypto';

const { AppStrategy, createClient } = await import('@wix/sdk');
const { verifySignatureWithJwks } = await import('@saleor/app-sdk/auth');
const { CompactSign, FlattenedSign, createLocalJWKSet, flattenedVerify, jwtVerify } = await import('jose');
const { default: jsonwebtoken } = await import('jsonwebtoken');

// By how many seconds the clocks may differ: those of our verifier.
const LEEWAY = 10;
const SALEOR = 'saleor-signature';

// By which algorithm each platform signs, and where its requests have their token.
const bearer = ({ headers }) => headers.authorization?.replace(/^Bearer /, '');
const PLATFORMS = {
  azure: { algorithm: 'RS256', token: bearer },
  bigcommerce: {
    algorithm: 'HS256',
    token: ({ target }) => new URL(target, 'https://app.example').searchParams.get('signed_payload_jwt'),
  },
  forge: { algorithm: 'RS256', token: bearer },
  monday: { algorithm: 'HS256', token: ({ headers }) => headers.authorization },
  wix: { algorithm: 'RS256', token: ({ body }) => body },
};

// A secret, a private key in PEM, a public one, or the JWK set of one.
const isSet = (key) => key.startsWith('{');

const jose = {
  sign: async ({ platform, key, keyId, claims }) => {
    const alg = PLATFORMS[platform].algorithm;
    const signer = alg === 'HS256' ? new TextEncoder().encode(key) : createPrivateKey(key);
    const signing = new CompactSign(new TextEncoder().encode(claims));
    return { token: await signing.setProtectedHeader(header(alg, keyId)).sign(signer) };
  },
  verify: async (request) => {
    const { platform, key, issuer, audience, now } = request;
    const { algorithm, token } = PLATFORMS[platform];
    const options = { algorithms: [algorithm], issuer, audience, clockTolerance: LEEWAY, currentDate: new Date(now * 1000) };
    const verifier = () => {
      if (algorithm === 'HS256') return new TextEncoder().encode(key);
      return isSet(key) ? createLocalJWKSet(JSON.parse(key)) : createPublicKey(key);
    };
    await jwtVerify(token(request), verifier(), options);
    return true;
  },
};

const jwt = {
  sign: ({ platform, key, keyId, claims }) => {
    const { algorithm } = PLATFORMS[platform];
    return { token: jsonwebtoken.sign(claims, key, { algorithm, header: header(algorithm, keyId) }) };
  },
  verify: (request) => {
    const { platform, key, issuer, audience, now } = request;
    const { algorithm, token } = PLATFORMS[platform];
    const options = { algorithms: [algorithm], issuer, audience, clockTolerance: LEEWAY, clockTimestamp: now };
    const text = token(request);
    jsonwebtoken.verify(text, isSet(key) ? fromSet(key, text) : key, options);
    return true;
  },
};

export const tokens = {
  '@saleor/app-sdk': {
    saleor: {
      verify: async ({ key, headers, body }) => {
        await verifySignatureWithJwks(key, headers[SALEOR], body);
        return true;
      },
    },
  },
  '@wix/sdk': {
    wix: {
      verify: async ({ key, body }) => {
        const client = createClient({ auth: AppStrategy({ appId: 'app', publicKey: key }), modules: {} });
        await client.webhooks.process(body);
        return true;
      },
    },
  },
  jose: {
    ...forEach(jose),
    saleor: {
      sign: async ({ key, keyId, body }) => {
        const signing = new FlattenedSign(new TextEncoder().encode(body));
        const own = { ...header('RS256', keyId), b64: false, crit: ['b64'], typ: 'JWT' };
        const signed = await signing.setProtectedHeader(own).sign(createPrivateKey(key));
        return { [SALEOR]: `${signed.protected}..${signed.signature}` };
      },
      verify: async ({ key, headers, body }) => {
        const [own, , signature] = headers[SALEOR].split('.');
        const payload = new TextEncoder().encode(body);
        const keys = createLocalJWKSet(JSON.parse(key));
        await flattenedVerify({ protected: own, payload, signature }, keys, { algorithms: ['RS256'] });
        return true;
      },
    },
  },
  jsonwebtoken: forEach(jwt),
};

function forEach(library) {
  return Object.fromEntries(Object.keys(PLATFORMS).map((platform) => [platform, library]));
}

function header(alg, keyId) {
  return keyId ? { alg, kid: keyId } : { alg };
}

// The key of a set that a token names.
function fromSet(set, token) {
  const id = jsonwebtoken.decode(token, { complete: true })?.header.kid;
  const key = JSON.parse(set).keys.find(({ kid }) => kid === id);
  if (!key) throw new Error('no key has this id');
  return createPublicKey({ key, format: 'jwk' });
}
