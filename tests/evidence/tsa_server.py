"""A time-stamp service on loopback: `openssl ts -reply` behind a small HTTP server, honest or not, by the path.

usage: tsa_server.py FOLDER...   prints its port; each folder was made by tsa.sh, and its name is its path.
/FOLDER stamps, /FOLDER/replay answers with the reply to its first request, /FOLDER/cut cuts, /FOLDER/garbage sends 1 MB.
"""

import http.server
import pathlib
import subprocess
import sys
import tempfile

folders = {pathlib.Path(folder).name: pathlib.Path(folder) for folder in sys.argv[1:]}
first = {}


def stamped(folder, query):
    with tempfile.TemporaryDirectory() as scratch:
        asked, said = pathlib.Path(scratch, "tsq"), pathlib.Path(scratch, "tsr")
        asked.write_bytes(query)
        subprocess.run(
            ["openssl", "ts", "-reply", "-config", folder / "openssl.cnf", "-section", "service", "-queryfile", asked,
             "-signer", folder / "stamping.pem", "-inkey", folder / "stamping.key", "-chain", folder / "ca.pem", "-out", said],
            check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return said.read_bytes()


class Service(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        query = self.rfile.read(min(int(self.headers["Content-Length"]), 4096))
        name, _, manner = self.path.strip("/").partition("/")
        reply = stamped(folders[name], query)
        if manner == "replay":
            reply = first.setdefault(name, reply)
        elif manner == "cut":
            reply = reply[:-9]
        elif manner == "garbage":
            reply = b"\x30" * (1 << 20)
        self.send_response(200)
        self.send_header("Content-Type", "application/timestamp-reply")
        self.send_header("Content-Length", str(len(reply)))
        self.end_headers()
        try:
            self.wfile.write(reply)
        except OSError:
            pass  # who gets a megabyte may hang up

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Service)
print(server.server_address[1], flush=True)
server.serve_forever()
