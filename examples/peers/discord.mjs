#!/usr/bin/env node
// Discord with discord-interactions and express, in the way that its documentation recommends.
import { verifyWebhookEventMiddleware } from "discord-interactions";
import express from "express";

const app = express();
app.post("/discord", verifyWebhookEventMiddleware(process.env.DISCORD_PUBLIC_KEY), (request) => {
  console.log(request.body.event?.type); // the middleware has answered
});

app.listen(process.env.PORT ?? 3000, "127.0.0.1", function () {
  console.log(`listening on http://127.0.0.1:${this.address().port}`);
});
