"""PyJWT, for platforms that prove themselves by a token, or by a detached signature with a header of its own (JWS)."""

import functools
import urllib.parse

import jwt
from cryptography.hazmat.primitives.serialization import load_pem_private_key

# By how many seconds the clocks may differ: those of our verifier.
LEEWAY = 10
SALEOR = "saleor-signature"


def bearer(request):
    return request["headers"]["authorization"].removeprefix("Bearer ")


def parameter(request):
    return urllib.parse.parse_qs(request["target"].partition("?")[2])["signed_payload_jwt"][0]


# By which algorithm each platform signs, and where its requests have their token.
PLATFORMS = {
    "azure": ("RS256", bearer),
    "bigcommerce": ("HS256", parameter),
    "forge": ("RS256", bearer),
    "monday": ("HS256", lambda request: request["headers"]["authorization"]),
    "wix": ("RS256", lambda request: request["body"]),
}

private_key = functools.cache(lambda pem: load_pem_private_key(pem.encode(), None))
key_set = functools.cache(jwt.PyJWKSet.from_json)


def named(request):
    return {"kid": request["keyId"]} if request.get("keyId") else {}


def verifier(key, token):
    """A secret or a public key in PEM as it is; of a JWK set the key that the token names."""
    return key_set(key)[jwt.get_unverified_header(token)["kid"]] if key.startswith("{") else key


def sign(**request):
    algorithm, _ = PLATFORMS[request["platform"]]
    key = private_key(request["key"]) if algorithm == "RS256" else request["key"]
    claims = request["claims"].encode()
    return {"token": jwt.api_jws.encode(claims, key, algorithm, headers=named(request))}


def verify(**request):
    algorithm, find = PLATFORMS[request["platform"]]
    token = find(request)
    jwt.decode(
        token,
        verifier(request["key"], token),
        algorithms=[algorithm],
        issuer=request.get("issuer"),
        audience=request.get("audience"),
        leeway=LEEWAY,
    )
    return True


def sign_detached(**request):
    header = {**named(request), "b64": False, "crit": ["b64"]}
    key, body = private_key(request["key"]), request["body"].encode()
    return {SALEOR: jwt.api_jws.encode(body, key, "RS256", header, is_payload_detached=True)}


def verify_detached(**request):
    token = request["headers"][SALEOR]
    key, body = verifier(request["key"], token), request["body"].encode()
    jwt.api_jws.decode_complete(token, key, algorithms=["RS256"], detached_payload=body)
    return True


TOKENS = {
    **{platform: {"sign": sign, "verify": verify} for platform in PLATFORMS},
    "saleor": {"sign": sign_detached, "verify": verify_detached},
}
