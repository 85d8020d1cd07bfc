"""A receiver of Seismic's lifecycle callbacks with Python's standard library alone: python3 receiver.py"""
import hashlib, hmac, json, os, re, socket, threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

NAMES = ("SEISMIC_SIGNING_SECRET", "SEISMIC_PREVIOUS_SIGNING_SECRET")
SECRETS = [os.environ[name].encode() for name in NAMES if os.environ.get(name)]
MAX_BODY, BUDGET = 256 * 1024, 2.5  # bytes; seconds, of the 3 that Seismic waits
KNOWN = ("install", "enable", "upgrade", "disable", "uninstall")
seen, lock = set(), threading.Lock()  # in real life a table with a unique key


class Refused(Exception):
    """Carries the status of the answer."""


class Receiver(BaseHTTPRequestHandler):
    protocol_version, whole = "HTTP/1.1", False

    def do_POST(self):
        self.whole, status = False, 202
        timer = threading.Timer(BUDGET, self.connection.shutdown, [socket.SHUT_RD])  # then reading ends
        timer.start()
        try:
            presented = self.macs("x-seismic-signature") + self.macs("x-seismic-signature-old")
            body = self.body() if presented else b""
            own = [hmac.new(secret, body, hashlib.sha256).digest() for secret in SECRETS]
            if not any([hmac.compare_digest(one, mac) for one in own for mac in presented]):
                raise Refused(401)
            handle(decode(body))
        except Refused as refused:
            status = refused.args[0]
        except (ValueError, RecursionError):
            status = 422  # authentic, but no callback
        timer.cancel()
        self.answer(status)

    def macs(self, name):
        values = {value.strip(" \t") for value in self.headers.get_all(name, [])}
        if len(values) > 1 or not all(value.isascii() for value in values):
            raise Refused(400)  # which one counts is not guessed
        return [bytes.fromhex(value) for value in values if re.fullmatch("[0-9A-Fa-f]{64}", value)]

    def body(self):
        """The raw bytes: what was signed. Parsed and written again they would be others."""
        if self.headers.get("transfer-encoding", "").lower() == "chunked":
            body = b""
            while size := self.size(self.rfile.readline(64).split(b";")[0], b"[0-9A-Fa-f]{1,8}", 16, len(body)):
                body += self.exactly(size)
                self.rfile.readline(64)
            self.rfile.readline(64)
        else:
            lengths = set(self.headers.get_all("content-length", ["0"]))
            length = lengths.pop() if len(lengths) == 1 else ""
            body = self.exactly(self.size(length.encode(), b"[0-9]{1,18}", 10, 0))
        self.whole = True
        return body

    def size(self, digits, form, base, before):
        if not re.fullmatch(form, digits.strip()):
            raise Refused(400)
        if before + int(digits, base) > MAX_BODY:
            raise Refused(413)
        return int(digits, base)

    def exactly(self, size):
        data = self.rfile.read(size)
        if len(data) < size:
            raise Refused(408)
        return data

    def answer(self, status):
        self.close_connection = self.close_connection or not self.whole
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.send_header("Connection", "close" if self.close_connection else "keep-alive")
        if status == 405:
            self.send_header("Allow", "POST")
        self.end_headers()

    do_GET = do_HEAD = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = lambda self: self.answer(405)

    def finish(self):
        """Reads on for a moment: a close with unread bytes would take the answer back."""
        try:
            self.connection.shutdown(socket.SHUT_WR)
            self.connection.settimeout(1)
            while self.connection.recv(65536):
                pass
        except OSError:
            pass

    def log_message(self, *_):
        """Nothing: what was requested is no business of others who read logs."""


class Members(list):
    """An object's members as they were written, so that two of one name are noticed."""


def decode(body):
    members = json.loads(body.decode("utf-8-sig"), object_pairs_hook=Members, parse_constant=int)
    callback = dict(members) if isinstance(members, Members) else {}
    for name in ("type", "appId", "tenantId") if callback.get("type") in KNOWN else ("type",):
        value = callback.get(name)
        if not isinstance(value, str) or not value or sum(own == name for own, _ in members) > 1:
            raise ValueError(name)
        value.encode()  # half a surrogate pair is no text
    return callback


def handle(callback):
    """A duplicate is accepted and not handled again; a type that is not known is accepted, too."""
    key = tuple(str(callback.get(name)) for name in ("appId", "tenantId", "type", "requestId"))
    with lock:
        if key not in seen:
            seen.add(key)  # here the app installs, enables ...


if __name__ == "__main__":
    if not SECRETS:
        raise SystemExit("set SEISMIC_SIGNING_SECRET")
    ThreadingHTTPServer.request_queue_size = 128  # five callbacks at once would be too many otherwise
    server = ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "3000"))), Receiver)
    print(f"listening on http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()
