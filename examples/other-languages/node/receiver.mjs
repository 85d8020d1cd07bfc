// A receiver of Seismic's lifecycle callbacks with Node's own modules alone: node receiver.mjs
import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";

const { SEISMIC_SIGNING_SECRET, SEISMIC_PREVIOUS_SIGNING_SECRET, PORT = "3000" } = process.env;
const SECRETS = [SEISMIC_SIGNING_SECRET, SEISMIC_PREVIOUS_SIGNING_SECRET].filter(Boolean);
const [MAX_BODY, BUDGET] = [256 * 1024, 2500]; // bytes; milliseconds, of the 3000 that Seismic waits
const KNOWN = ["install", "enable", "upgrade", "disable", "uninstall"];
const seen = new Set(); // in real life a table with a unique key

function refuse(status) {
  throw Object.assign(new Error(), { status });
}

// rawHeaders, because `headers` joins a header that stands twice.
function macs(request, name) {
  const pairs = request.rawHeaders.map((own, place, all) => [own.toLowerCase(), all[place + 1]]);
  const values = new Set(pairs.filter(([own], place) => place % 2 === 0 && own === name).map(([, value]) => value.trim()));
  if (values.size > 1 || [...values].some((value) => /[^\t -~]/.test(value))) refuse(400); // which one counts is not guessed
  return [...values].filter((value) => /^[0-9a-f]{64}$/i.test(value)).map((value) => Buffer.from(value, "hex"));
}

// The raw bytes: what was signed. Parsed and written again they would be others.
function read(request) {
  return new Promise((resolve, reject) => {
    const [chunks, fail] = [[], (status) => reject(Object.assign(new Error(), { status }))];
    const timer = setTimeout(fail, BUDGET, 408);
    let length = 0;
    request.on("data", (chunk) => ((length += chunk.length) > MAX_BODY ? fail(413) : chunks.push(chunk)));
    request.on("end", () => (clearTimeout(timer), resolve(Buffer.concat(chunks))));
    request.on("error", () => (clearTimeout(timer), fail(400)));
  });
}

// JSON.parse takes the last of two members with one name; what is read must not be ambiguous.
function names(text) {
  const [found, tokens] = [[], text.match(/"(?:[^"\\]|\\.)*"|[{}[\],:]/g)];
  tokens.reduce((depth, token, place) => {
    if (depth === 1 && tokens[place + 1] === ":" && token[0] === '"') found.push(JSON.parse(token));
    return depth + ("{[".includes(token) ? 1 : "}]".includes(token) ? -1 : 0);
  }, 0);
  return found;
}

function decode(body) {
  const text = new TextDecoder("utf-8", { fatal: true }).decode(body); // without a byte order mark
  const callback = JSON.parse(text);
  const own = names(text);
  const needed = KNOWN.includes(callback.type) ? ["type", "appId", "tenantId"] : ["type"];
  const isSound = (name) => typeof callback[name] === "string" && callback[name] && callback[name].isWellFormed();
  if (!needed.every((name) => isSound(name) && own.filter((other) => other === name).length === 1)) refuse(422);
  return callback;
}

// A duplicate is accepted and not handled again; a type that is not known is accepted, too.
function handle({ appId, tenantId, type, requestId }) {
  const key = JSON.stringify([appId, tenantId, type, requestId]);
  if (!seen.has(key)) seen.add(key); // here the app installs, enables ...
}

async function receive(request) {
  if (request.method !== "POST") refuse(405);
  const presented = ["x-seismic-signature", "x-seismic-signature-old"].flatMap((name) => macs(request, name));
  if (presented.length === 0) refuse(401); // before a byte of the body is read
  if (Number(request.headers["content-length"]) > MAX_BODY) refuse(413);
  const body = await read(request);
  const own = SECRETS.map((secret) => createHmac("sha256", secret).update(body).digest());
  if (!own.some((one) => presented.some((mac) => timingSafeEqual(one, mac)))) refuse(401);
  try {
    handle(decode(body));
  } catch {
    refuse(422); // authentic, but no callback
  }
}

const server = createServer(async (request, response) => {
  const status = await receive(request).then(() => 202, (error) => error.status ?? 500);
  const headers = { "content-length": 0, ...(status === 405 && { allow: "POST" }) };
  if (!request.complete) Object.assign(headers, { connection: "close" });
  response.writeHead(status, headers).end();
  request.resume(); // a close with unread bytes would take the answer back
});
if (SECRETS.length === 0) throw new Error("set SEISMIC_SIGNING_SECRET");
server.listen(Number(PORT), "127.0.0.1", () => console.log(`listening on http://127.0.0.1:${server.address().port}`));
