import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { FakeClock } from "watchkeeper/testing";
import { keepWatch, temporaryFolder } from "./harness.ts";

/** The switch outside hears of every beat, and a switch that hangs holds up none. */

async function startSwitch(answers: boolean) {
  const asked: string[] = [];
  const server = createServer((incoming, outgoing) => {
    asked.push(incoming.url ?? "");
    if (answers) outgoing.end("OK");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    asked,
    url: `http://127.0.0.1:${port}/ping/1`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const play = {
  checks: { gauge: { every: "5m", observe: async () => ({ observations: [] }) } },
};

test.each([
  ["each completed beat is told outside", true],
  ["a switch that hangs holds up no beat, and no stop", false],
])("%s", async (_, answers) => {
  await using folder = await temporaryFolder();
  await using outside = await startSwitch(answers);
  const options = { folder: folder.path, clock: new FakeClock("2026-11-23T08:00:00Z"), play };
  {
    await using kept = await keepWatch({
      ...options,
      config: { notify: { deadMansPing: outside.url } },
    });
    await kept.pass(30 * 60_000);
    expect(kept.beats.length).toBeGreaterThanOrEqual(6);
    expect(kept.beats.every(({ outcome }) => outcome === "quiet")).toBe(true);
    void kept.pass(60_000, "nothing");
  }
  expect(new Set(outside.asked)).toEqual(new Set(["/ping/1"]));
  if (answers) expect(outside.asked.length).toBeGreaterThanOrEqual(6);
});
