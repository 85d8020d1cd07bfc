"""Verifies callbacks in one way, as often as each line of the input says, and answers with nanoseconds of CPU time.

python3 peers.py WAY verify|decode SECRET CALLBACKS
CALLBACKS is a JSON file of pairs: a body and its signature in hexadecimal digits.
"""

import hashlib
import hmac
import json
import sys
import time

way, purpose, secret, file = sys.argv[1:]
key = secret.encode()
keyed = hmac.new(key, digestmod=hashlib.sha256)


def new(body):
    return hmac.new(key, body, hashlib.sha256).hexdigest()


def digest(body):
    return hmac.digest(key, body, "sha256").hex()


def copy(body):
    mac = keyed.copy()
    mac.update(body)
    return mac.hexdigest()


expected = {"hmac.new": new, "hmac.digest": digest, "hmac.copy": copy}[way]


def judge(body, signature):
    return hmac.compare_digest(expected(body), signature)


def judge_and_decode(body, signature):
    return judge(body, signature) and json.loads(body) is not None


with open(file, encoding="utf-8") as pairs:
    callbacks = [(body.encode(), signature) for body, signature in json.load(pairs)]
judges = {"verify": judge, "decode": judge_and_decode}[purpose]

for body, signature in callbacks:
    if not judges(body, signature) or judges(body + b" ", signature):
        sys.exit(f"{way} does not judge")

call = 0
for line in sys.stdin:
    start = time.thread_time_ns()
    for _ in range(int(line)):
        judges(*callbacks[call % len(callbacks)])
        call += 1
    print(time.thread_time_ns() - start, flush=True)
