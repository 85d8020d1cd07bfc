"""Tells which vectors of a folder verify, by Python's own hmac: a second opinion on the library's.

Prints one JSON object, from each file's name to true or false. It reads `scheme` and nothing else says how.
"""

import base64
import hashlib
import hmac
import json
import pathlib
import sys


def elements(value, separator):
    return [element.strip() for element in value.split(separator)] if separator else [value]


def signed(vector, carried):
    """The bytes that are signed; `carried` are the elements of the header with the signature."""
    parts = []
    for part in vector["scheme"]["signed"]:
        if part == "body":
            parts.append(vector["body"])
        elif "text" in part:
            parts.append(part["text"])
        elif "header" in part:
            parts.append(vector["headers"][part["header"]])
        else:
            (field,) = [element for element in carried if element.startswith(part["field"] + "=")]
            parts.append(field.split("=", 1)[1])
    return "".join(parts).encode()


def signature(text, encoding):
    try:
        return bytes.fromhex(text) if encoding == "hex" else base64.b64decode(text, validate=True)
    except ValueError:
        return b""


def verifies(vector):
    scheme = vector["scheme"]
    text = vector.get("secret")
    key = text.encode() if text is not None else base64.b64decode(vector["secret_base64"])
    for header in scheme["headers"]:
        carried = elements(vector["headers"].get(header, ""), scheme.get("separator"))
        for element in carried:
            if not element.startswith(scheme["prefix"]):
                continue
            given = signature(element[len(scheme["prefix"]):], scheme["encoding"])
            made = hmac.new(key, signed(vector, carried), hashlib.sha256).digest()
            if hmac.compare_digest(made, given):
                return True
    return False


def is_whole(vector):
    body = vector["body"].encode()
    return len(body) == vector["body_length"] and hashlib.sha256(body).hexdigest() == vector["body_sha256"]


def main():
    told = {}
    for path in pathlib.Path(sys.argv[1]).glob("*.json"):
        vector = json.loads(path.read_text("utf-8"))
        if "scheme" in vector:
            assert is_whole(vector), path.stem
            told[path.stem] = verifies(vector)
    print(json.dumps(told))


if __name__ == "__main__":
    main()
