#!/usr/bin/env node
// Standard Webhooks with the specification's library and express, in the way that its documentation recommends.
import express from "express";
import { Webhook } from "standardwebhooks";

const webhook = new Webhook(process.env.STANDARD_WEBHOOKS_SIGNING_SECRET);
const app = express();
app.post("/standard-webhooks", express.raw({ type: "application/json" }), (request, response) => {
  try {
    const event = webhook.verify(request.body, request.headers);
    console.log(event.type, request.headers["webhook-id"]);
  } catch {
    return response.sendStatus(400);
  }
  response.sendStatus(200);
});

app.listen(process.env.PORT ?? 3000, "127.0.0.1", function () {
  console.log(`listening on http://127.0.0.1:${this.address().port}`);
});
