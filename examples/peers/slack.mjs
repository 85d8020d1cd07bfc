#!/usr/bin/env node
// Slack with @slack/bolt, in the way that its documentation recommends.
import bolt from "@slack/bolt";

const app = new bolt.App({
  signingSecret: process.env.SLACK_SIGNING_SECRET,
  endpoints: "/slack",
  authorize: async () => ({ botToken: "xoxb-none", botId: "B0", botUserId: "U0" }), // asks nobody
  logLevel: bolt.LogLevel.ERROR,
});
for (const event of ["app_uninstalled", "tokens_revoked"]) {
  app.event(event, async ({ body }) => console.log(event, body.event_id));
}

const server = await app.start({ port: Number(process.env.PORT ?? 3000), host: "127.0.0.1" });
console.log(`listening on http://127.0.0.1:${server.address().port}`);
