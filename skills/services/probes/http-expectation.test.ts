import { createServer } from "node:http";
import type { ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { probedTargetOf, probeOnce } from "../services-fixture.ts";
import { valueAt } from "./http-expectation.ts";
import { createPatternMatcher } from "./pattern-matcher.ts";

let url = "";
let answer: (response: ServerResponse, body: string) => void = () => undefined;
const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () =>
    answer(response, `${request.method} ${Buffer.concat(chunks).toString()}`),
  );
});

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const probe = (body: string, extra: Record<string, unknown>) => {
  answer = (response) => response.end(body);
  return probeOnce(probedTargetOf({ http: url, ...extra }));
};

describe("what is expected of an http answer", () => {
  it.each([
    ["^status: (ok|fine)$", "status: fine", undefined],
    ["grün", "alles grün", undefined],
    ["^ok$", "not ok", "body does not match the expected pattern"],
  ])("the pattern %s on %s", async (bodyMatches, body, reason) => {
    const result = await probe(body, { expect: { bodyMatches } });
    expect(result.ok ? undefined : result.reason).toBe(reason);
  });

  it.each([
    [{ status: "up" }, undefined],
    [{ "checks[0].name": "db", "checks[0].well": true, note: null }, undefined],
    [{ "queue.length": { max: 10 } }, undefined],
    [{ "queue.length": { min: 8 } }, "JSON at queue.length is not a number from 8 on"],
    [{ status: "down" }, 'JSON at status is not "down"'],
    [{ "checks[1].name": "db" }, "JSON has nothing at checks[1].name"],
    [{ "status.length": 2 }, "JSON has nothing at status.length"],
    [{ "queue.length": "7" }, 'JSON at queue.length is not "7"'],
  ])("the JSON %o", async (json, reason) => {
    const body = JSON.stringify({
      status: "up",
      checks: [{ name: "db", well: true }],
      queue: { length: 7 },
      note: null,
    });
    const result = await probe(body, { expect: { json } });
    expect(result.ok ? undefined : result.reason).toBe(reason);
  });

  it.each([
    ["what is no JSON", "<html>", "body is not JSON"],
    ["brackets without end", "[".repeat(900_000), "body is not JSON"],
    ["more than is read", `"${"a".repeat(1_100_000)}"`, /larger than a megabyte/],
    ["a prototype's property", "{}", "JSON has nothing at constructor.name"],
  ])("is not found in %s", async (_, body, reason) => {
    const result = await probe(body, { expect: { json: { "constructor.name": "Object" } } });
    expect(result.ok ? "" : result.reason).toMatch(reason);
  });

  it("is asked for with the method and body that the owner wrote", async () => {
    const heard = Promise.withResolvers<string>();
    answer = (response, request) => {
      heard.resolve(request);
      response.writeHead(202).end();
    };
    const body = '{"query":"größe"}';
    const target = probedTargetOf({
      http: url,
      method: "PUT",
      body,
      expect: { status: "200-204" },
    });
    expect(await probeOnce(target)).toMatchObject({ ok: true });
    expect(await heard.promise).toBe(`PUT ${body}`);
  });

  it("is given up when the pattern takes too long on a hostile body, and the rest goes on", async () => {
    let turns = 0;
    const turning = setInterval(() => (turns += 1), 5);
    try {
      const hostile = await probe(`${"a".repeat(60)}!`, { expect: { bodyMatches: "^(a+)+$" } });
      expect(hostile).toMatchObject({
        ok: false,
        reason: "body takes too long to be matched with the expected pattern",
      });
    } finally {
      clearInterval(turning);
    }
    // The event loop went on meanwhile, and the next match is made by a new thread.
    expect(turns).toBeGreaterThan(10);
    expect(await probe("aaa", { expect: { bodyMatches: "^(a+)+$" } })).toMatchObject({ ok: true });
  });
});

describe("valueAt", () => {
  it.each([
    ["a", { a: 1 }, 1],
    ["[1].b", [0, { b: 2 }], 2],
    ["a[0][1]", { a: [[1, 2]] }, 2],
    ["a.b", { a: null }, undefined],
    ["a[0]", { a: "text" }, undefined],
    ["toString", {}, undefined],
  ])("%s of %o is %o", (path, root, value) => {
    expect(valueAt(root, path)).toEqual(value);
  });
});

describe("the matcher", () => {
  it("answers many at once, each its own, and lets its thread go when nothing is left to do", async () => {
    const patterns = createPatternMatcher({ timeMs: 5_000, idleMs: 10 });
    const { signal } = new AbortController();
    const texts = Array.from({ length: 50 }, (_, index) => `text ${index}`);
    const ends = await Promise.all(
      texts.map((text) => patterns.match("[02468]$", Buffer.from(text), signal)),
    );
    expect(ends).toEqual(texts.map((_, index) => (index % 2 === 0 ? "match" : "no-match")));
  });

  it("makes no match for one who has gone", async () => {
    const patterns = createPatternMatcher();
    const gone = AbortSignal.abort(new Error("the daemon stops"));
    await expect(patterns.match("a", Buffer.from("a"), gone)).rejects.toThrow("the daemon stops");
    const { signal } = new AbortController();
    expect(await patterns.match("a", Buffer.from("a"), signal)).toBe("match");
  });
});
