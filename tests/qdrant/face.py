"""An HTTP face over the local mode of the official qdrant-client: its filters, searches and conditional updates are Qdrant's own.

Usage: face.py PORT [FOLDER]. Port 0 takes a free one. Prints the port; keeps the points in FOLDER, or in memory; ends when its
standard input does. Requests are read into the client's own models, which refuse what Qdrant would refuse.
"""

import json
import os
import sys
import threading
import warnings
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from pydantic import TypeAdapter
from qdrant_client.http import models
from qdrant_client.local.qdrant_local import QdrantLocal

warnings.filterwarnings("ignore")  # That local mode ignores payload indexes and exactness: it is always exact.

SELECTOR = TypeAdapter(models.PointsSelector)
UPSERT = TypeAdapter(models.PointsList)

folder = sys.argv[2] if len(sys.argv) > 2 else ":memory:"
qdrant = QdrantLocal(folder, force_disable_check_same_thread=True)
lock = threading.Lock()


def aliases(body):
    return qdrant.update_collection_aliases(models.ChangeAliasesOperation.model_validate(body).actions)


def create(name, body):
    asked = models.CreateCollection.model_validate(body)
    return qdrant.create_collection(name, vectors_config=asked.vectors, sparse_vectors_config=asked.sparse_vectors)


def index(name, body):
    models.CreateFieldIndex.model_validate(body)
    return qdrant.create_payload_index(name, body["field_name"], body["field_schema"])


def upsert(name, body):
    asked = UPSERT.validate_python(body)
    return qdrant.upsert(name, asked.points, update_filter=asked.update_filter, update_mode=asked.update_mode)


def retrieve(name, body):
    asked = models.PointRequest.model_validate(body)
    return qdrant.retrieve(name, asked.ids, with_payload=asked.with_payload, with_vectors=asked.with_vector or False)


def query(name, body):
    asked = models.QueryRequest.model_validate(body)
    return qdrant.query_points(
        name,
        query=asked.query,
        using=asked.using,
        query_filter=asked.filter,
        limit=asked.limit,
        with_payload=asked.with_payload,
        score_threshold=asked.score_threshold,
    )


def delete(name, body):
    return qdrant.delete(name, SELECTOR.validate_python(body))


OF_COLLECTION = {
    ("GET", ""): lambda name, body: qdrant.get_collection(name),
    ("PUT", ""): create,
    ("DELETE", ""): lambda name, body: qdrant.delete_collection(name),
    ("PUT", "index"): index,
    ("PUT", "points"): upsert,
    ("POST", "points"): retrieve,
    ("POST", "points/query"): query,
    ("POST", "points/delete"): delete,
}


def answer(method, path, body):
    if (method, path) == ("GET", "/"):
        return qdrant.info().model_dump(mode="json")
    if (method, path) == ("POST", "/collections/aliases"):
        return {"result": aliases(body), "status": "ok"}
    _, _, name, *rest = path.split("/")
    result = OF_COLLECTION[method, "/".join(rest)](name, body)
    return {"result": TypeAdapter(type(result)).dump_python(result, mode="json"), "status": "ok"}


class Face(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Head and body go out at once: the client does not wait for an acknowledgement in between.
    wbufsize = -1
    disable_nagle_algorithm = True

    def act(self):
        text = self.rfile.read(int(self.headers.get("content-length", 0)))
        try:
            with lock:
                status, said = 200, answer(self.command, urlsplit(self.path).path, json.loads(text or "null"))
        except ValueError as error:
            status = 404 if "not found" in str(error) else 409 if "already exists" in str(error) else 400
            said = {"status": {"error": str(error)}}
        except KeyError as error:
            status, said = 404, {"status": {"error": f"no such route: {error}"}}
        sent = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(sent)))
        self.end_headers()
        self.wfile.write(sent)
        self.wfile.flush()

    do_GET = do_PUT = do_POST = do_DELETE = act

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


server = Server(("127.0.0.1", int(sys.argv[1])), Face)
print(server.server_port, flush=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
sys.stdin.read()
os._exit(0)
