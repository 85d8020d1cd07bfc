#!/usr/bin/env node
// Linear with @linear/sdk, in the way that its documentation recommends.
import { createServer } from "node:http";
import { LinearWebhookClient } from "@linear/sdk/webhooks";

const handler = new LinearWebhookClient(process.env.LINEAR_SIGNING_SECRET).createHandler();
handler.on("*", (payload) => console.log(payload.type, payload.action));

const server = createServer((request, response) => {
  if (request.url === "/linear") return handler(request, response);
  response.writeHead(404).end();
});
server.listen(process.env.PORT ?? 3000, "127.0.0.1", function () {
  console.log(`listening on http://127.0.0.1:${this.address().port}`);
});
