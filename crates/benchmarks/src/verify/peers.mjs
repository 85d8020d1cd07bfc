// Verifies callbacks in one way, as often as each line of the input says, and answers with nanoseconds of CPU time.
// node peers.mjs WAY verify|decode SECRET CALLBACKS
// CALLBACKS is a JSON file of pairs: a body and its signature in hexadecimal digits.

import { createHmac, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";

const [way, purpose, secret, file] = process.argv.slice(2);
const decode = purpose === "decode";

// Each way: what it makes of a pair beforehand, and how it judges that. Bodies come as bytes, as from a socket.
const ways = {
  "node:crypto": () => [
    (body, signature) => ({ body, signature }),
    ({ body, signature }) => {
      const expected = createHmac("sha256", secret).update(body).digest();
      const presented = Buffer.from(signature, "hex");
      return presented.length === expected.length && timingSafeEqual(presented, expected) && parsed(body);
    },
  ],
  "@octokit/webhooks-methods": async () => {
    const { verify } = await import("@octokit/webhooks-methods");
    return [
      (body, signature) => ({ body, signature: `sha256=${signature}` }),
      async ({ body, signature }) => (await verify(secret, body.toString(), signature)) && parsed(body),
    ];
  },
  // It decodes what it has verified, asked or not.
  standardwebhooks: async () => {
    const { Webhook } = await import("standardwebhooks");
    const webhook = new Webhook(secret, { format: "raw" });
    const time = new Date();
    return [
      (body) => {
        const headers = {
          "webhook-id": "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk",
          "webhook-timestamp": String(Math.floor(time / 1000)),
        };
        headers["webhook-signature"] = webhook.sign(headers["webhook-id"], time, body.toString());
        return { body, headers };
      },
      ({ body, headers }) => {
        try {
          return webhook.verify(body, headers) !== undefined;
        } catch {
          return false;
        }
      },
    ];
  },
};

function parsed(body) {
  return !decode || JSON.parse(body) !== undefined;
}

const [prepare, judge] = await ways[way]();
const callbacks = JSON.parse(readFileSync(file)).map(([body, signature]) => prepare(Buffer.from(body), signature));

for (const callback of callbacks) {
  const changed = { ...callback, body: Buffer.concat([callback.body, Buffer.from(" ")]) };
  if (!(await judge(callback)) || (await judge(changed))) throw new Error(`${way} does not judge`);
}

let call = 0;
for await (const line of createInterface({ input: process.stdin })) {
  const start = process.cpuUsage();
  for (let count = Number(line); count > 0; count--) {
    const judged = judge(callbacks[call++ % callbacks.length]);
    if (judged !== true && !(await judged)) throw new Error(`${way} refuses a genuine callback`);
  }
  const { user, system } = process.cpuUsage(start);
  console.log((user + system) * 1000);
}
