// HTTPS of the balancer, over loopback.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { connect, type TLSSocket } from "node:tls";
import { ask, FakeWorker, startBalancer, until } from "../support/balancer-harness.ts";
import { makeCertificate } from "../support/certificate.ts";

describe("balancer with a certificate", () => {
  const folder = mkdtempSync(join(tmpdir(), "balancer-tls-"));
  const { cert } = makeCertificate(folder, "tls");
  const tls = { port: 0, certificateFile: join(folder, "tls.crt"), keyFile: join(folder, "tls.key") };
  after(() => rmSync(folder, { recursive: true }));

  const echo = () => new FakeWorker("a", (incoming, response) => response.end(JSON.stringify(incoming.headers)));

  function get(port: number): Promise<{ status: number; body: string }> {
    return new Promise((resolve, reject) => {
      const call = request({ host: "127.0.0.1", port, ca: cert, agent: false, headers: { host: "localhost" } }, (response) => {
        let body = "";
        response.setEncoding("utf8").on("data", (text: string) => {
          body += text;
        });
        response.on("end", () => resolve({ status: response.statusCode!, body }));
      });
      call.on("error", reject).end();
    });
  }

  it("serves the same by HTTPS and HTTP, and tells workers which it was", async (context) => {
    const { balancer, port } = await startBalancer(context, [echo()], { settings: { listen: { tls } } });
    const secure = await get(balancer.httpsPort!);
    assert.equal(secure.status, 200);
    const { "x-forwarded-proto": proto, "x-forwarded-port": forwardedPort } = JSON.parse(secure.body);
    assert.deepEqual([proto, forwardedPort], ["https", "443"]);
    assert.equal(JSON.parse((await ask(port)).body)["x-forwarded-proto"], "http");
  });

  it("has no HTTPS without one", async (context) => {
    const { balancer } = await startBalancer(context, [echo()]);
    assert.equal(balancer.httpsPort, undefined);
  });

  it("relays a WebSocket under TLS", async (context) => {
    const worker = echo();
    const { balancer } = await startBalancer(context, [worker], { settings: { listen: { tls } } });
    worker.server.on("upgrade", (_request, socket) => {
      socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
      socket.pipe(socket);
    });
    const socket = await connected(balancer.httpsPort!);
    context.after(() => socket.destroy());
    const handshake = "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n";
    socket.write(`GET / HTTP/1.1\r\nHost: shop.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${handshake}\r\n`);
    let text = "";
    for await (const chunk of socket) {
      text += String(chunk);
      if (text.endsWith("\r\n\r\n")) socket.write("over there");
      if (text.endsWith("over there")) break;
    }
    assert.match(text, /^HTTP\/1\.1 101 /);
  });

  it("stops both at once: neither takes connections while the other waits for a request", async (context) => {
    const worker = new FakeWorker("a", () => undefined);
    const { balancer, port } = await startBalancer(context, [worker], { settings: { listen: { tls }, drain: { deadlineSeconds: 0.2 } } });
    const { httpsPort } = balancer;
    const running = get(httpsPort!).catch(() => "cut");
    await until(() => worker.seen.length > 0);
    const stopped = balancer.stop();
    await assert.rejects(connected(httpsPort!), { code: "ECONNREFUSED" });
    assert.equal((await ask(port).catch(() => ({ status: 0 }))).status, 0);
    await stopped;
    await running;
  });

  function connected(port: number): Promise<TLSSocket> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: "127.0.0.1", port, ca: cert, servername: "localhost" }, () => resolve(socket));
      socket.on("error", reject);
    });
  }
});
