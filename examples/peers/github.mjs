#!/usr/bin/env node
// GitHub Apps with @octokit/webhooks, in the way that its documentation recommends.
import { createServer } from "node:http";
import { createNodeMiddleware, Webhooks } from "@octokit/webhooks";

const webhooks = new Webhooks({ secret: process.env.GITHUB_SIGNING_SECRET });
webhooks.onAny(({ id, name, payload }) => console.log(name, payload.action, id));

const server = createServer(createNodeMiddleware(webhooks, { path: "/github" }));
server.listen(process.env.PORT ?? 3000, "127.0.0.1", function () {
  console.log(`listening on http://127.0.0.1:${this.address().port}`);
});
