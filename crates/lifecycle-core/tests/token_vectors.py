"""Tells which tokens of a folder are signed by their key: a second opinion on the library's.

HS256 is judged by Python's own hmac, RS256 by openssl. Times, claims and headers are not looked at: a token that the library
refuses for one of these may well be signed. Prints one JSON object, from each file's name to true or false.
"""

import base64
import hashlib
import hmac
import json
import pathlib
import subprocess
import sys
import tempfile


def decode(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def length(count):
    if count < 0x80:
        return bytes([count])
    size = count.to_bytes((count.bit_length() + 7) // 8, "big")
    return bytes([0x80 | len(size)]) + size


def element(tag, content):
    return bytes([tag]) + length(len(content)) + content


def integer(number):
    return element(2, b"\0" + number if number[0] >= 0x80 else number)


def pem(jwk):
    """The key of a JWK as openssl reads it."""
    key = element(0x30, integer(decode(jwk["n"])) + integer(decode(jwk["e"])))
    algorithm = bytes.fromhex("300d06092a864886f70d0101010500")
    info = element(0x30, algorithm + element(3, b"\0" + key))
    return "-----BEGIN PUBLIC KEY-----\n" + base64.encodebytes(info).decode() + "-----END PUBLIC KEY-----\n"


def is_rs256(key, message, signature):
    with tempfile.TemporaryDirectory() as folder:
        files = [pathlib.Path(folder) / name for name in ("key", "signature", "message")]
        for file, content in zip(files, (key.encode(), signature, message)):
            file.write_bytes(content)
        command = ["openssl", "dgst", "-sha256", "-verify", files[0], "-signature", files[1], files[2]]
        return subprocess.run(command, capture_output=True).returncode == 0


def verifies(vector):
    parts = vector["token"].strip().split(".")
    if len(parts) != 3:
        return False
    signature = decode(parts[2])
    if vector.get("detached"):
        message = f"{parts[0]}.{vector['body']}".encode()
    else:
        message = f"{parts[0]}.{parts[1]}".encode()
    if vector["algorithm"] == "HS256":
        text = vector.get("secret")
        key = text.encode() if text is not None else decode(vector["secret_base64url"])
        return hmac.compare_digest(hmac.new(key, message, hashlib.sha256).digest(), signature)
    key = vector["public_key"] if "public_key" in vector else pem(vector["jwks"]["keys"][0])
    return is_rs256(key, message, signature)


def main():
    paths = pathlib.Path(sys.argv[1]).glob("*.json")
    print(json.dumps({path.stem: verifies(json.loads(path.read_text("utf-8"))) for path in paths}))


if __name__ == "__main__":
    main()
