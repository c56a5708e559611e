// Every call of the unmodified toxiproxy-node-client, and whether what it asked for is done to real bytes.
// Arguments: port of the control API, port of an upstream that answers every line with "omgs".
const assert = require("node:assert");
const net = require("node:net");
const { Toxiproxy, ToxiproxyError } = require("toxiproxy-node-client");

const [api, upstream] = [`http://127.0.0.1:${process.argv[2]}`, `127.0.0.1:${process.argv[3]}`];

/** Milliseconds until a line is answered; null when the connection ends without. */
function exchange(proxy) {
  const port = Number(proxy.listen.split(":").pop());
  const before = performance.now();
  return new Promise((resolve, reject) => {
    const socket = net.connect({ port, host: "127.0.0.1" }, () => socket.write("omg\n"));
    let answer = "";
    socket.on("error", reject);
    socket.on("end", () => { socket.destroy(); resolve(null); });
    socket.on("data", (data) => {
      answer += data;
      if (answer.endsWith("\n")) {
        assert.strictEqual(answer, "omgs\n");
        socket.destroy();
        resolve(performance.now() - before);
      }
    });
  });
}

async function main() {
  const server = new Toxiproxy(api);
  assert.ok(JSON.parse(await server.getVersion()).version);
  assert.deepStrictEqual(await server.getAll(), {});
  const failed = (call, status) =>
    assert.rejects(call, (error) => error instanceof ToxiproxyError && error.message.includes(String(status)));
  await failed(() => server.get("test"), 404);

  let proxy = await server.createProxy({ name: "test", listen: "127.0.0.1:0", upstream });
  assert.ok(proxy.enabled && proxy.upstream === upstream && !proxy.listen.endsWith(":0"));
  await failed(() => server.createProxy({ name: "test", listen: "127.0.0.1:0", upstream }), 409);
  await failed(() => server.createProxy({ name: "new", listen: "127.0.0.1:0" }), 400);
  assert.deepStrictEqual((await server.get("test")).toJson(), proxy.toJson());
  assert.deepStrictEqual(Object.keys(await server.getAll()), ["test"]);
  assert.ok((await exchange(proxy)) !== null);

  let toxic = await proxy.addToxic({ name: "slow", type: "latency", attributes: { latency: 300, jitter: 10 } });
  assert.deepStrictEqual(toxic.toJson(), {
    attributes: { latency: 300, jitter: 10 }, name: "slow", stream: "downstream", toxicity: 1, type: "latency",
  });
  assert.ok((await exchange(proxy)) >= 280);
  toxic = await toxic.update({ attributes: { latency: 20 }, toxicity: 0.25 });
  assert.deepStrictEqual(toxic.attributes, { latency: 20, jitter: 10 });
  assert.strictEqual((await proxy.getToxic("slow")).toxicity, 0.25);
  await failed(() => proxy.addToxic({ name: "slow", type: "latency", attributes: {} }), 409);
  await failed(() => proxy.addToxic({ name: "x", type: "nonsense", attributes: {} }), 400);
  await toxic.remove();
  await failed(() => proxy.getToxic("slow"), 404);

  const types = {
    bandwidth: { rate: 1000 }, slow_close: { delay: 10 }, slicer: { average_size: 2, size_variation: 1, delay: 10 },
    limit_data: { bytes: 5 },
  };
  for (const [type, attributes] of Object.entries(types)) {
    const made = await proxy.addToxic({ type, stream: "downstream", toxicity: 1, attributes });
    assert.strictEqual(made.name, `${type}_downstream`);
  }
  assert.ok((await exchange(proxy)) !== null);
  await server.reset();
  await proxy.addToxic({ type: "timeout", attributes: { timeout: 20 } });
  assert.strictEqual(await exchange(proxy), null);
  await server.reset();
  await proxy.addToxic({ type: "reset_peer", attributes: { timeout: 0 } });
  await assert.rejects(() => exchange(proxy), { code: "ECONNRESET" });
  await server.reset();

  const { listen } = proxy;
  proxy = await proxy.update({ enabled: false, listen, upstream });
  assert.strictEqual(proxy.enabled, false);
  await assert.rejects(() => exchange(proxy), { code: "ECONNREFUSED" });
  proxy = await proxy.update({ enabled: true, listen, upstream });
  assert.strictEqual(proxy.listen, listen);
  assert.ok((await exchange(proxy)) !== null);

  const wish = [{ name: "one", listen: "127.0.0.1:0", upstream }, { name: "test", listen, upstream }];
  const made = await server.populate(wish);
  assert.deepStrictEqual(Object.keys(made), ["one", "test"]);
  assert.ok((await exchange(made.one)) !== null);
  await made.one.remove();
  await proxy.remove();
  await failed(() => proxy.remove(), 404);
  assert.deepStrictEqual(await server.getAll(), {});
  console.log("done");
}

main().catch((error) => { console.error(error); process.exit(1); });
