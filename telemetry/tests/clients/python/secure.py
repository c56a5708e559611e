"""Collectors and a webhook that speak TLS only, with Python's own: over HTTP, over HTTP to those who show a certificate, over
gRPC. Takes the server's certificate, its key, and the certificate of the authority that signs clients'. Prints the three ports,
then a line for each request; ends when its input does."""

import http.server
import json
import socketserver
import ssl
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import grpc
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2_grpc
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2_grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc

certificate, key, authority = sys.argv[1:4]
lock = threading.Lock()


def say(**what):
    with lock:
        print(json.dumps(what), flush=True)


class Door(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        say(path=self.path, kind=self.headers["content-type"], size=len(body))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        pass  # connections that are refused, as some are here


def serve(client):
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    if client:
        tls.verify_mode = ssl.CERT_REQUIRED
        tls.load_verify_locations(authority)
        # with 1.3 a client may send its request before it hears that it is refused, and hear nothing but a closed connection
        tls.maximum_version = ssl.TLSVersion.TLSv1_2
    server = Server(("127.0.0.1", 0), Door)
    # the handshake belongs to a request's thread: one that fails must not end the others
    server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


def collector(name, answer):
    class Servicer:
        def Export(self, request, context):
            say(path=name, kind="grpc", size=request.ByteSize())
            return answer
    return Servicer()


def read(path):
    with open(path, "rb") as file:
        return file.read()


over_grpc = grpc.server(ThreadPoolExecutor(3))
logs_service_pb2_grpc.add_LogsServiceServicer_to_server(
    collector("logs", logs_service_pb2.ExportLogsServiceResponse()), over_grpc)
trace_service_pb2_grpc.add_TraceServiceServicer_to_server(
    collector("traces", trace_service_pb2.ExportTraceServiceResponse()), over_grpc)
metrics_service_pb2_grpc.add_MetricsServiceServicer_to_server(
    collector("metrics", metrics_service_pb2.ExportMetricsServiceResponse()), over_grpc)
port = over_grpc.add_secure_port(
    "127.0.0.1:0", grpc.ssl_server_credentials([(read(key), read(certificate))]))
over_grpc.start()
say(http=serve(False), known=serve(True), grpc=port)
sys.stdin.read()
