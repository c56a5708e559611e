"""Every call of the unmodified toxiproxy-python, and whether what it asked for is done to real bytes.

Arguments: port of the control API, port of an upstream that answers every line with "omgs".
"""

import socket
import sys
import time

import requests
from toxiproxy import Proxy, Toxiproxy
from toxiproxy.exceptions import InvalidToxic, NotFound, ProxyExists

api, upstream = int(sys.argv[1]), f"127.0.0.1:{sys.argv[2]}"
server = Toxiproxy()
server.update_api_consumer("127.0.0.1", api)


def raises(kind, call):
    try:
        call()
    except kind as error:
        return error
    raise AssertionError(f"{kind.__name__} was expected")


def exchange(proxy):
    """Seconds until a line is answered; None when the connection ends without."""
    host, port = proxy.listen.rsplit(":", 1)
    before = time.monotonic()
    with socket.create_connection((host, int(port)), timeout=20) as sock:
        sock.sendall(b"omg\n")
        answer = b""
        while not answer.endswith(b"\n"):
            got = sock.recv(64)
            if not got:
                return None
            answer += got
    assert answer == b"omgs\n", answer
    return time.monotonic() - before


assert server.running() is True
assert b'"version"' in server.version()
assert server.proxies() == {}
assert server.get_proxy("test") is None

proxy = server.create(upstream=upstream, name="test")
assert isinstance(proxy, Proxy) and proxy.enabled is True and proxy.upstream == upstream
assert not proxy.listen.endswith(":0"), "the real port"
raises(ProxyExists, lambda: server.create(upstream=upstream, name="test"))
body = {"name": "test", "upstream": upstream}
assert requests.post(f"http://127.0.0.1:{api}/proxies", json=body).status_code == 409
assert set(server.proxies()) == {"test"} and server.get_proxy("test").listen == proxy.listen
assert exchange(proxy) is not None

proxy.add_toxic(type="latency", attributes={"latency": 300, "jitter": 10})
assert exchange(proxy) >= 0.28
toxic = proxy.get_toxic("latency_downstream")
assert (toxic.type, toxic.stream, toxic.toxicity) == ("latency", "downstream", 1.0)
assert toxic.attributes == {"latency": 300, "jitter": 10}
proxy.add_toxic(name="up", type="latency", stream="upstream", toxicity=0.5, attributes={"latency": 1})
assert set(proxy.toxics()) == {"latency_downstream", "up"}
assert proxy.toxics()["up"].toxicity == 0.5
raises(ProxyExists, lambda: proxy.add_toxic(name="up", type="latency"))
raises(InvalidToxic, lambda: proxy.add_toxic(type="nonsense"))
raises(InvalidToxic, lambda: proxy.add_toxic(type="latency", stream="sideways", name="x"))
assert proxy.destroy_toxic("up") is True
raises(NotFound, lambda: proxy.destroy_toxic("up"))
assert proxy.get_toxic("up") is None
proxy.destroy_toxic("latency_downstream")

for toxic in [
    {"type": "bandwidth", "attributes": {"rate": 1000}},
    {"type": "slow_close", "attributes": {"delay": 10}},
    {"type": "slicer", "attributes": {"average_size": 2, "size_variation": 1, "delay": 10}},
    {"type": "limit_data", "attributes": {"bytes": 5}},
]:
    proxy.add_toxic(**toxic)
assert exchange(proxy) is not None
assert len(proxy.toxics()) == 4
assert server.reset() is True
assert proxy.toxics() == {}
proxy.add_toxic(type="timeout", attributes={"timeout": 20})
assert exchange(proxy) is None
server.reset()
proxy.add_toxic(type="reset_peer", attributes={"timeout": 0})
raises(ConnectionResetError, lambda: exchange(proxy))
server.reset()

with proxy.down():
    assert proxy.enabled is False
    raises(ConnectionRefusedError, lambda: exchange(proxy))
assert proxy.enabled is True and exchange(proxy) is not None
proxy.disable()
server.reset()
assert exchange(proxy) is not None, "a reset enables"

made = server.populate([{"name": "one", "upstream": upstream, "listen": "127.0.0.1:0"}])
assert [one.name for one in made] == ["one"] and exchange(made[0]) is not None
assert server.destroy(made[0]) is True
assert proxy.destroy() is True
raises(NotFound, lambda: proxy.destroy())
server.create(upstream=upstream, name="last", listen="127.0.0.1:0", enabled=False)
server.destroy_all()
assert server.proxies() == {}
print("done")
