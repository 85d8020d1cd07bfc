"""Signs and verifies with the vendors' own libraries: a request on each line of standard input, its answer on standard output.

The requests and answers are those of the driver for Node, in ../node/driver.mjs.
"""

import contextlib
import datetime
import json
import sys
import time
from importlib.metadata import version
from unittest import mock

import jwt.api_jwt
import slack_sdk.signature
import standardwebhooks.webhooks
import stripe

import tokens


def at(now):
    """The clocks of libraries that take none."""

    class Clock(datetime.datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.datetime.fromtimestamp(now, tz)

    patches = contextlib.ExitStack()
    patches.enter_context(mock.patch.object(time, "time", lambda: now))
    for module in (jwt.api_jwt, standardwebhooks.webhooks):
        patches.enter_context(mock.patch.object(module, "datetime", Clock))
    return patches


def slack_sign(key, headers, body, now, **_):
    signature = slack_sdk.signature.SignatureVerifier(key).generate_signature(timestamp=str(now), body=body)
    return {"x-slack-request-timestamp": str(now), "x-slack-signature": signature}


def slack_verify(key, headers, body, now, **_):
    class Clock(slack_sdk.signature.Clock):
        def now(self):
            return now

    return slack_sdk.signature.SignatureVerifier(key, clock=Clock()).is_valid_request(body, headers)


def standard_sign(key, headers, body, now, **_):
    sent = datetime.datetime.fromtimestamp(now, datetime.timezone.utc)
    signature = standardwebhooks.webhooks.Webhook(key).sign(headers["webhook-id"], sent, body)
    return {"webhook-timestamp": str(now), "webhook-signature": signature}


def standard_verify(key, headers, body, now, **_):
    standardwebhooks.webhooks.Webhook(key).verify(body, headers)
    return True


def stripe_sign(key, headers, body, now, **_):
    return {"stripe-signature": stripe.WebhookSignature.generate_signature_header(body, key, now)}


def stripe_verify(key, headers, body, now, **_):
    stripe.Webhook.construct_event(body, headers.get("stripe-signature"), key)
    return True


# What `verify` raises is a refusal, and so is a value that is not True.
LIBRARIES = {
    "PyJWT": tokens.TOKENS,
    "slack_sdk": {"slack": {"sign": slack_sign, "verify": slack_verify}},
    "standardwebhooks": {"standard-webhooks": {"sign": standard_sign, "verify": standard_verify}},
    "stripe": {"stripe": {"sign": stripe_sign, "verify": stripe_verify}},
}


def answer(request):
    if request["do"] == "versions":
        return {"versions": {library: version(library) for library in LIBRARIES}}
    call = LIBRARIES[request["library"]][request["platform"]][request["do"]]
    with at(request["now"]):
        if request["do"] == "sign":
            return {"signed": call(**request)}
        try:
            accepted = call(**request) is True
        except Exception as error:  # each library has errors of its own
            return {"accepted": False, "why": f"{type(error).__name__}: {error}"}
    return {"accepted": accepted, "why": "" if accepted else "it is not true"}


def main():
    answers = sys.stdout
    sys.stdout = sys.stderr  # some libraries print
    for line in sys.stdin:
        try:
            given = answer(json.loads(line))
        except Exception as error:
            given = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(given), file=answers, flush=True)


if __name__ == "__main__":
    main()
