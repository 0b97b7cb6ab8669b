import { expect, test } from "vitest";
import { derivedPushKey } from "../../src/web/token.ts";
import { seen } from "../daemon/harness.ts";
import { offerPage, type Offered } from "./offered.ts";

/** Jobs that say that they ran. */

const minute = 60_000;

/** A watch with a check that tells of pushes: `backup` with the derived key, `mirror` with one of the owner's. */
function waiting(): Promise<Offered> {
  return offerPage({
    play: {
      checks: {
        jobs: {
          every: "1h",
          observe: async ({ pushes }) => ({
            observations: [...pushes].map(([name, { ok, text }]) =>
              seen(name, {
                title: `${name} ${ok ? "ran" : "failed"}: ${text}`,
                trust: "untrusted",
              }),
            ),
          }),
        },
      },
      pushes: {
        backup: { check: "jobs" },
        mirror: { check: "jobs", key: "the owner's own" },
        careless: { check: "jobs", key: "" },
      },
    },
  });
}

const titles = async (page: Offered) => (await page.kept.findings()).map(({ title }) => title);

test("a push with the key is taken, and its check looks at once", async () => {
  await using page = await waiting();
  const authorization = `Bearer ${derivedPushKey(page.stateDir, "backup")}`;
  const headers = { authorization, "content-type": "application/x-www-form-urlencoded" };
  const taken = await page.ask("POST", "/push/backup", { headers, body: "3 files\u0007\u202e" });
  expect([taken.status, JSON.parse(taken.text)]).toEqual([200, { name: "backup", ok: true }]);
  expect(await page.kept.store.lastPushes("stage")).toEqual([
    { skill: "stage", name: "backup", at: page.clock.now(), ok: true, text: "3 files" },
  ]);
  await page.kept.pass(minute);
  expect(await titles(page)).toEqual(["backup ran: 3 files"]);

  for (const path of ["/push/backup/fail", "/push/backup?status=fail"]) {
    expect(JSON.parse((await page.ask("POST", path, { headers })).text)).toMatchObject({
      ok: false,
    });
    await page.kept.pass(minute);
    expect((await titles(page)).at(-1)).toBe("backup failed:");
  }
});

test("the key may stand in the address, and is the configured one where there is one", async () => {
  await using page = await waiting();
  const statusOf = async (path: string, headers: Record<string, string> = {}) =>
    (await page.ask("POST", path, { headers })).status;
  const own = encodeURIComponent("the owner's own");
  expect(await statusOf(`/push/mirror?key=${own}`)).toBe(200);
  expect(await statusOf(`/push/mirror?key=${derivedPushKey(page.stateDir, "mirror")}`)).toBe(401);
  expect(await statusOf(`/push/backup?key=${derivedPushKey(page.stateDir, "backup")}`)).toBe(200);
  expect(await statusOf(`/push/backup?key=${own}`)).toBe(401);
  expect(await statusOf(`/push/mirror?key=${own}&status=maybe`)).toBe(400);
  expect((await page.ask("GET", `/push/mirror?key=${own}`)).status).toBe(405);
});

test("a wrong key, another's key, no key and a name that is unknown get one and the same answer", async () => {
  await using page = await waiting();
  const keyOf = (name: string) => ({
    authorization: `Bearer ${derivedPushKey(page.stateDir, name)}`,
  });
  const replies = await Promise.all([
    page.ask("POST", "/push/backup"),
    page.ask("POST", "/push/backup", { headers: { authorization: "Bearer x" } }),
    page.ask("POST", "/push/backup", { headers: keyOf("mirror") }),
    page.ask("POST", "/push/backup", { headers: { authorization: `Bearer ${page.token}` } }),
    page.ask("POST", "/push/unknown"),
    page.ask("POST", "/push/unknown", { headers: keyOf("unknown") }),
    page.ask("POST", "/push/careless"),
    page.ask("POST", "/push/careless?key="),
  ]);
  const said = replies.map(({ status, headers, text }) => {
    const { date: _, ...rest } = headers;
    return JSON.stringify([status, rest, text]);
  });
  expect(replies[0]?.status).toBe(401);
  expect(new Set(said).size).toBe(1);
  expect(await page.kept.store.lastPushes("stage")).toEqual([]);
});

test("a name that is pushed too often has to wait, and the others do not", async () => {
  await using page = await waiting();
  const push = async (name: string) => {
    const authorization = `Bearer ${name === "mirror" ? "" : derivedPushKey(page.stateDir, name)}`;
    const own = name === "mirror" ? `?key=${encodeURIComponent("the owner's own")}` : "";
    return page.ask("POST", `/push/${name}${own}`, { headers: own ? {} : { authorization } });
  };
  const statuses = [];
  for (let count = 0; count < 31; count += 1) statuses.push((await push("backup")).status);
  expect(statuses).toEqual([...Array<number>(30).fill(200), 429]);
  expect((await push("backup")).headers["retry-after"]).toBe("60");
  expect((await push("mirror")).status).toBe(200);
  page.clock.set(page.clock.now() + minute);
  expect((await push("backup")).status).toBe(200);
});

test("what a job says is cut, and what is far too much is refused and not taken", async () => {
  await using page = await waiting();
  const headers = { authorization: `Bearer ${derivedPushKey(page.stateDir, "backup")}` };
  const pushed = async (body: string) =>
    (await page.ask("POST", "/push/backup", { headers, body })).status;
  expect(await pushed("x".repeat(10_000))).toBe(200);
  const [last] = await page.kept.store.lastPushes("stage");
  expect(last?.text).toHaveLength(2_000);
  expect(await pushed("y".repeat(65 * 1024))).toBe(413);
  expect(await page.kept.store.lastPushes("stage")).toEqual([last]);
});

test("pushes of a browser's page elsewhere are refused before any key is looked at", async () => {
  await using page = await waiting();
  const key = derivedPushKey(page.stateDir, "backup");
  const headers = { origin: "https://evil.example", authorization: `Bearer ${key}` };
  expect((await page.ask("POST", "/push/backup", { headers })).status).toBe(403);
});
