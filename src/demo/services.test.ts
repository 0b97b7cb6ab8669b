import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { freePort } from "../../tests/servers/free-port.ts";
import { shopIsUp, startDemoServices } from "./services.ts";

describe("shopIsUp", () => {
  const second = 1_000;
  it.each([
    [0, true],
    [9.999, true],
    [10, false],
    [24.999, false],
    [25, true],
    [234.999, true],
    [235, false],
    [264.999, false],
    [265, true],
    [475, false],
    [505, true],
    [100 * 240 + 235, false],
    [100 * 240 + 265, true],
  ])("after %d s: %o", (seconds, up) => {
    expect(shopIsUp(seconds * second)).toBe(up);
  });

  it("is away for fifteen seconds at first, and thirty of every four minutes after", () => {
    const away = (from: number, to: number): number => {
      let count = 0;
      for (let at = from; at < to; at += 1) if (!shopIsUp(at * second)) count += 1;
      return count;
    };
    expect(away(0, 60)).toBe(15);
    for (const start of [25, 265, 3_625]) expect(away(start, start + 240)).toBe(30);
  });
});

describe("the demo's services", () => {
  it("answer by the schedule and the clock that they are given", async () => {
    let clock = 5_000;
    await using services = await startDemoServices({ port: 0, now: () => clock });
    if (!services.started) throw new Error(services.reason);
    const ask = async (path: string) => {
      const answer = await fetch(`${services.url}${path}`);
      return [answer.status, await answer.text()];
    };
    expect(await ask("/shop")).toEqual([200, "ok\n"]);
    clock += 12_000;
    expect(await ask("/shop?probe")).toEqual([503, "down for a moment\n"]);
    expect(await ask("/backup")).toEqual([200, "backup: stale\nlast complete backup 3 days ago\n"]);
    clock += 15_000;
    expect(await ask("/shop")).toEqual([200, "ok\n"]);
    expect((await ask("/"))[0]).toBe(404);
  });

  it("say that the port is taken, or is none, instead of throwing", async () => {
    await using first = await startDemoServices({ port: 0 });
    await using second = await startDemoServices({ port: first.port });
    expect(second).toMatchObject({
      started: false,
      reason: `port ${first.port} is taken by another program`,
    });
    await using third = await startDemoServices({ port: 70_000 });
    expect(third).toMatchObject({ started: false, port: 70_000 });
  });

  it("free their port at the end, open connections or not", async () => {
    const first = await startDemoServices({ port: await freePort() });
    await fetch(`http://127.0.0.1:${first.port}/shop`);
    await first[Symbol.asyncDispose]();
    await using second = await startDemoServices({ port: first.port });
    expect(second.started).toBe(true);
  });

  it("do not keep a process alive, not even with an open connection", async () => {
    const module = fileURLToPath(new URL("services.ts", import.meta.url));
    const script = `
      import { startDemoServices } from ${JSON.stringify(module)};
      import { connect } from "node:net";
      const { port } = await startDemoServices({ port: 0 });
      const socket = connect(port, "127.0.0.1");
      await new Promise((resolve) => socket.write("GET /shop HTTP/1.1\\r\\nhost: x\\r\\n\\r\\n", resolve));
      const data = await new Promise((resolve) => socket.once("data", resolve));
      socket.unref();
      console.log(String(data).split("\\r\\n")[0]);
      // What would keep the process waiting, if only until the connection has been idle for long.
      console.log(process.getActiveResourcesInfo().filter((name) => name.startsWith("TCP")).length);`;
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ["--input-type=module", "--eval", script],
      { timeout: 120_000 },
    );
    expect(stdout.trim().split("\n")).toEqual(["HTTP/1.1 200 OK", "0"]);
  });
});
