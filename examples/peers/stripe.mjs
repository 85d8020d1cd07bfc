#!/usr/bin/env node
// Stripe with its own library and express, in the way that its documentation recommends.
import express from "express";
import Stripe from "stripe";

const secret = process.env.STRIPE_SIGNING_SECRET;
const app = express();
app.post("/stripe", express.raw({ type: "application/json" }), (request, response) => {
  let event;
  try {
    event = Stripe.webhooks.constructEvent(request.body, request.headers["stripe-signature"], secret);
  } catch (error) {
    return response.status(400).send(`Webhook Error: ${error.message}`);
  }
  console.log(event.type, event.id);
  response.json({ received: true });
});

app.listen(process.env.PORT ?? 3000, "127.0.0.1", function () {
  console.log(`listening on http://127.0.0.1:${this.address().port}`);
});
