#!/usr/bin/env node
// Shopify with @shopify/shopify-api and express, in the way that its documentation recommends.
import "@shopify/shopify-api/adapters/node";
import { ApiVersion, DeliveryMethod, LogSeverity, shopifyApi } from "@shopify/shopify-api";
import express from "express";

const shopify = shopifyApi({
  apiKey: "key",
  apiSecretKey: process.env.SHOPIFY_SIGNING_SECRET,
  apiVersion: Object.values(ApiVersion).at(-1),
  hostName: "app.example.com",
  isEmbeddedApp: false,
  logger: { level: LogSeverity.Error },
});
const topics = ["APP_UNINSTALLED", "APP_SCOPES_UPDATE", "CUSTOMERS_DATA_REQUEST", "CUSTOMERS_REDACT", "SHOP_REDACT"];
const callback = async (topic, shop, body, id) => console.log(topic, id);
const handler = { deliveryMethod: DeliveryMethod.Http, callbackUrl: "/shopify", callback };
shopify.webhooks.addHandlers(Object.fromEntries(topics.map((topic) => [topic, handler])));

const app = express();
app.post("/shopify", express.text({ type: "*/*" }), async (request, response) => {
  try {
    await shopify.webhooks.process({ rawBody: request.body, rawRequest: request, rawResponse: response });
  } catch (error) {
    console.log(error.message); // the answer is sent already
  }
});

app.listen(process.env.PORT ?? 3000, "127.0.0.1", function () {
  console.log(`listening on http://127.0.0.1:${this.address().port}`);
});
