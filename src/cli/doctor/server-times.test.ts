import { request } from "node:http";
import { buffer } from "node:stream/consumers";
import { expect, it } from "vitest";
import { startHttpReceiver } from "../../../tests/servers/http-receiver.ts";
import { hearServerTimes } from "./server-times.ts";

const at = Date.parse("2026-11-23T09:00:00Z");
const answer = (headers: Record<string, string>) => ({ status: 200, headers, body: "x" });

function get(url: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    request(url, (response) => void buffer(response).then(resolve, reject))
      .once("error", reject)
      .end();
  });
}

it("hears the time of servers that are asked by fetch and by Node's client, while it listens", async () => {
  await using server = await startHttpReceiver(() =>
    answer({ Date: "Mon, 23 Nov 2026 09:02:00 GMT" }),
  );
  {
    using times = hearServerTimes(() => at);
    await (await fetch(server.origin)).text();
    await get(server.origin);
    expect(times.heard).toEqual([
      { host: "127.0.0.1", aheadMs: 120_500 },
      { host: "127.0.0.1", aheadMs: 120_500 },
    ]);
  }
  using later = hearServerTimes(() => at);
  expect(later.heard).toEqual([]);
});

it("leaves out what comes from a cache, and what is no time", async () => {
  await using server = await startHttpReceiver();
  using times = hearServerTimes(() => at);
  for (const headers of [
    { Date: "Mon, 23 Nov 2026 09:02:00 GMT", Age: "3600" },
    { Date: "yesterday" },
    { Date: "" },
  ]) {
    server.behave(answer(headers));
    await (await fetch(server.origin)).text();
    await get(server.origin);
  }
  expect(times.heard).toEqual([]);
});
