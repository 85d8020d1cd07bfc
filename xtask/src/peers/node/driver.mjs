// Signs and verifies with the vendors' own libraries: a request on each line of standard input, its answer on standard output.
//
// {"do": "versions"}                                                        {"versions": {library: version}}
// {"do": "sign", library, platform, key, target, headers, body, now}        {"signed": {..}}: the headers of the proof
// {"do": "verify", library, platform, key, target, headers, body, now}      {"accepted": true} or {"accepted": false, "why"}
//
// A library that answers by itself has its "answer" beside "accepted". Where a token is the proof, see tokens.mjs.
// `now` is the time that the library sees, in seconds since the epoch. A key is as the vendor's developer portal shows it.

import { createHmac, createPrivateKey, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

// Only answers are printed. Zoom's library would print every request.
const answer = process.stdout.write.bind(process.stdout);
process.stdout.write = () => true;

await import('@shopify/shopify-api/adapters/node');
const { LinearWebhookClient } = await import('@linear/sdk/webhooks');
const { Webhooks } = await import('@octokit/webhooks');
const { ApiVersion, shopifyApi } = await import('@shopify/shopify-api');
const { getHmac } = await import('@shopify/shopify-api/test-helpers');
const { verifySlackRequest } = await import('@slack/bolt');
const { AwsLambdaReceiver } = await import('@zoom/rivet/marketplace');
const { verifyKey } = await import('discord-interactions');
const { Webhook } = await import('standardwebhooks');
const { default: Stripe } = await import('stripe');
const { tokens } = await import('./tokens.mjs');

// Each takes {key, headers, body, now}. What `verify` throws is a refusal, and so is a value but true and {answer}.
const libraries = {
  ...tokens,
  '@linear/sdk': {
    linear: {
      verify: ({ key, headers, body }) =>
        new LinearWebhookClient(key).verify(Buffer.from(body), headers['linear-signature']),
    },
  },
  '@octokit/webhooks': {
    github: {
      sign: async ({ key, body }) => ({ 'x-hub-signature-256': await new Webhooks({ secret: key }).sign(body) }),
      verify: ({ key, headers, body }) =>
        new Webhooks({ secret: key }).verify(body, headers['x-hub-signature-256']),
    },
  },
  '@shopify/shopify-api': {
    shopify: {
      sign: ({ key, body }) => ({ 'x-shopify-hmac-sha256': getHmac(body, key) }),
      verify: async ({ key, headers, body }) => {
        const shopify = shopifyApi({
          apiKey: 'key',
          apiSecretKey: key,
          apiVersion: Object.values(ApiVersion).at(-1),
          hostName: 'app.example.com',
          isEmbeddedApp: false,
          logger: { log: () => {} },
        });
        const rawRequest = { method: 'POST', url: '/shopify', headers };
        const checked = await shopify.webhooks.validate({ rawBody: body, rawRequest, rawResponse: {} });
        return checked.valid || refuse(checked.reason);
      },
    },
  },
  '@slack/bolt': {
    slack: {
      verify: ({ key, headers, body, now }) => {
        verifySlackRequest({
          signingSecret: key,
          body,
          headers: {
            'x-slack-signature': headers['x-slack-signature'],
            'x-slack-request-timestamp': Number(headers['x-slack-request-timestamp']),
          },
          nowMilliseconds: now * 1000,
        });
        return true;
      },
    },
  },
  '@zoom/rivet': {
    zoom: {
      verify: async ({ key, headers, body }) => {
        const handle = new AwsLambdaReceiver({ webhooksSecretToken: key }).start();
        const answer = await handle({ body, headers, isBase64Encoded: false });
        return answer.statusCode === 200 ? { answer: answer.body } : refuse(`status ${answer.statusCode}`);
      },
    },
  },
  'discord-interactions': {
    discord: {
      verify: ({ key, headers, body }) =>
        verifyKey(body, headers['x-signature-ed25519'], headers['x-signature-timestamp'], key),
    },
  },
  standardwebhooks: {
    'standard-webhooks': {
      sign: ({ key, headers, body, now }) => ({
        'webhook-timestamp': String(now),
        'webhook-signature': new Webhook(key).sign(headers['webhook-id'], new Date(now * 1000), body),
      }),
      verify: ({ key, headers, body }) => {
        new Webhook(key).verify(body, headers);
        return true;
      },
    },
  },
  stripe: {
    stripe: {
      sign: ({ key, body, now }) => ({
        'stripe-signature': Stripe.webhooks.generateTestHeaderString({ payload: body, secret: key, timestamp: now }),
      }),
      verify: ({ key, headers, body, now }) => {
        Stripe.webhooks.constructEvent(body, headers['stripe-signature'], key, 300, undefined, now * 1000);
        return true;
      },
    },
  },
  // The formula of each vendor's documentation, where no library of its own signs.
  'node:crypto': {
    discord: {
      sign: ({ key, body, now }) => ({
        'x-signature-timestamp': String(now),
        'x-signature-ed25519': sign(null, Buffer.from(`${now}${body}`), ed25519(key)).toString('hex'),
      }),
    },
    linear: { sign: ({ key, body }) => ({ 'linear-signature': hmac(key, body) }) },
    seismic: { sign: ({ key, body }) => ({ 'x-seismic-signature': hmac(key, body) }) },
    slack: {
      sign: ({ key, body, now }) => ({
        'x-slack-request-timestamp': String(now),
        'x-slack-signature': `v0=${hmac(key, `v0:${now}:${body}`)}`,
      }),
    },
    zoom: {
      sign: ({ key, body, now }) => ({
        'x-zm-request-timestamp': String(now),
        'x-zm-signature': `v0=${hmac(key, `v0:${now}:${body}`)}`,
      }),
    },
  },
};

function hmac(key, text) {
  return createHmac('sha256', key).update(text).digest('hex');
}

// A private key from its seed, in the DER form of RFC 8410.
function ed25519(seed) {
  const der = Buffer.from(`302e020100300506032b657004220420${seed}`, 'hex');
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
}

function refuse(why) {
  throw new Error(why);
}

function version(library) {
  if (library.startsWith('node:')) return process.version;
  return JSON.parse(readFileSync(`node_modules/${library}/package.json`)).version;
}

// Some libraries take no clock, so all of them see this one.
const RealDate = Date;

async function at(seconds, call) {
  globalThis.Date = class extends RealDate {
    constructor(...given) {
      super(...(given.length ? given : [seconds * 1000]));
    }

    static now() {
      return seconds * 1000;
    }
  };
  try {
    return await call();
  } finally {
    globalThis.Date = RealDate;
  }
}

async function answerTo(request) {
  if (request.do === 'versions') {
    return { versions: Object.fromEntries(Object.keys(libraries).map((name) => [name, version(name)])) };
  }
  const call = libraries[request.library]?.[request.platform]?.[request.do];
  if (!call) return { error: `${request.library} does not ${request.do} for ${request.platform}` };
  if (request.do === 'sign') return { signed: await at(request.now, () => call(request)) };
  try {
    const told = await at(request.now, () => call(request));
    if (told?.answer !== undefined) return { accepted: true, answer: told.answer };
    return told === true ? { accepted: true } : { accepted: false, why: 'it is not true' };
  } catch (error) {
    return { accepted: false, why: String(error?.message ?? error) };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const given = await answerTo(JSON.parse(line)).catch((error) => ({ error: String(error) }));
  answer(`${JSON.stringify(given)}\n`);
}
