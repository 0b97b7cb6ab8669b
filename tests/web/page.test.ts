import { expect, test } from "vitest";
import { callHash } from "../../src/domain/canonical.ts";
import { makeToken } from "../../src/web/token.ts";
import { seen } from "../daemon/harness.ts";
import { askedFor, offerPage, type Offered } from "./offered.ts";

const day = 24 * 60 * 60_000;

const hashIn = (page: string) => /name="hash" value="([0-9a-f]{64})"/.exec(page)?.[1] ?? "";

async function look(page: Offered, cookie: string): Promise<string> {
  return (await page.ask("GET", "/", { headers: { cookie } })).text;
}

test("what is approved on the page is done exactly once, and a second word is refused", async () => {
  await using asked = await askedFor(["hello"]);
  const { page, done } = asked;
  const { cookie, csrf } = await page.enter();
  const home = await look(page, cookie);
  expect(home).toContain("#1 stage_tell (send)");
  expect(home).toContain("&quot;text&quot;: &quot;hello&quot;");
  const form = { csrf, hash: hashIn(home) };
  expect(done).toEqual([]);

  const words = await Promise.all([
    page.post("/approvals/1/approve", form, cookie),
    page.post("/approvals/1/approve", form, cookie),
  ]);
  expect(words.map(({ status }) => status).sort()).toEqual([303, 409]);
  await page.kept.watch.attendance.settle(null);
  await page.kept.settle();
  expect(done).toEqual(["hello"]);

  for (const action of ["approve", "deny"]) {
    const again = await page.post(`/approvals/1/${action}`, form, cookie);
    expect(again.status).toBe(409);
    expect(again.text).toContain("approval 1 was approved already, and its effect 1 is done");
  }
  expect(await page.kept.store.getApproval(1)).toMatchObject({ status: "approved", effectId: 1 });
  expect(await look(page, cookie)).toContain("Nothing.");
  expect(done).toEqual(["hello"]);
});

test("a word is for the call that was shown, and for no other", async () => {
  await using asked = await askedFor(["to Ann", "to Bob"]);
  const { page, done } = asked;
  const { cookie, csrf } = await page.enter();
  const { toolVersion: version } = (await page.kept.store.getApproval(1))!;
  const hashOf = (text: string) => callHash({ tool: "stage_tell", version, arguments: { text } });
  expect(hashIn(await look(page, cookie))).toBe(hashOf("to Ann"));
  const swapped = await page.post("/approvals/1/approve", { csrf, hash: hashOf("to Bob") }, cookie);
  expect(swapped.status).toBe(409);
  expect(swapped.text).toContain("approval 1 is not the call you were shown");
  expect((await page.post("/approvals/1/approve", { csrf }, cookie)).status).toBe(400);
  expect((await page.post("/approvals/9/approve", { csrf, hash: "x" }, cookie)).status).toBe(404);
  expect(
    (await page.post("/approvals/2/deny", { csrf, hash: hashOf("to Bob") }, cookie)).status,
  ).toBe(303);

  await page.clock.advance(day);
  const late = await page.post("/approvals/1/approve", { csrf, hash: hashOf("to Ann") }, cookie);
  expect(late.status).toBe(409);
  expect(late.text).toContain("approval 1 has expired; it was not done");
  await page.kept.settle();
  expect(done).toEqual([]);
});

test("a form without the session's own mark does nothing", async () => {
  await using asked = await askedFor(["hello"]);
  const { page, done } = asked;
  const { cookie, csrf } = await page.enter();
  const other = await page.enter();
  const hash = hashIn(await look(page, cookie));
  for (const forged of [undefined, "", "x", csrf.slice(0, -1), other.csrf, page.token]) {
    const form = forged === undefined ? { hash } : { hash, csrf: forged };
    for (const path of ["/approvals/1/approve", "/approvals/1/deny", "/logout"]) {
      const { status, text } = await page.post(path, form, cookie);
      expect({ path, forged, status }).toEqual({ path, forged, status: 403 });
      expect(text).toContain("the form was not ours");
    }
  }
  // By a script with the cookie: the same mark, as a header.
  const api = { "content-type": "application/json", cookie };
  const body = JSON.stringify({ argumentsHash: hash });
  const path = "/api/approvals/1/approve";
  expect((await page.ask("POST", path, { headers: api, body })).status).toBe(403);
  expect(await page.kept.store.getApproval(1)).toMatchObject({ status: "pending" });
  expect(done).toEqual([]);
  const own = { ...api, "x-csrf-token": csrf };
  expect((await page.ask("POST", path, { headers: own, body })).status).toBe(200);
});

test("the token opens the page, and the cookie is for this browser and this page alone", async () => {
  await using page = await offerPage();
  const shut = await page.ask("GET", "/");
  expect([shut.status, shut.headers.location]).toEqual([303, "/login"]);
  const login = await page.ask("GET", "/login");
  // With "no-referrer" browsers would send "Origin: null" with this very form.
  expect(login.headers["referrer-policy"]).toBe("same-origin");
  const form = login.text;
  expect(form).toContain("watchkeeper web token");
  const wrong = await page.post("/login", { token: `${page.token}x` });
  expect(wrong.status).toBe(401);
  expect(wrong.headers["set-cookie"]).toBeUndefined();

  const right = await page.post("/login", { token: page.token });
  expect([right.status, right.headers.location]).toEqual([303, "/"]);
  const [cookie = ""] = right.headers["set-cookie"] ?? [];
  expect(cookie).toMatch(
    new RegExp(
      `^watchkeeper-${page.port}=[\\w.-]+; HttpOnly; SameSite=Strict; Path=/; Max-Age=604800$`,
    ),
  );
  expect(cookie).not.toContain(page.token);
  const { cookie: session, csrf } = await page.enter();
  const left = await page.post("/logout", { csrf }, session);
  expect(left.headers["set-cookie"]?.[0]).toMatch(/=; .*Max-Age=0$/);
});

test("a session ends after seven days, outlives a restart, and not a new token", async () => {
  await using page = await offerPage({ web: { publicUrl: "https://watch.example" } });
  const { cookie } = await page.enter();
  expect(cookie).toMatch(/^__Host-watchkeeper=/);
  const statusNow = async () => (await page.ask("GET", "/", { headers: { cookie } })).status;
  await page.restart();
  expect(await statusNow()).toBe(200);
  page.clock.set(page.clock.now() + 7 * day - 1);
  expect(await statusNow()).toBe(200);
  page.clock.set(page.clock.now() + 1);
  expect(await statusNow()).toBe(303);

  const { cookie: fresh } = await page.enter();
  expect((await page.ask("GET", "/", { headers: { cookie: fresh } })).status).toBe(200);
  const renewed = makeToken(page.stateDir, { renew: true });
  expect((await page.ask("GET", "/", { headers: { cookie: fresh } })).status).toBe(303);
  const bearer = async (token: string) =>
    (await page.ask("GET", "/api/status", { headers: { authorization: `Bearer ${token}` } }))
      .status;
  expect([await bearer(page.token), await bearer(renewed)]).toEqual([401, 200]);
});

test("what strangers wrote stands on the page as text and as nothing else", async () => {
  const hostile = `<script>alert(1)</script>"'><img src=x onerror=alert(2)>&lt;\`\${1}`;
  const observations = [
    seen("k", { title: hostile, text: `${hostile}\n</pre></details><form action=/logout>` }),
  ];
  const checks = { lamp: { every: "1h", observe: async () => ({ observations }) } };
  await using page = await offerPage({ play: { checks } });
  const { cookie } = await page.enter();
  const home = await look(page, cookie);
  expect(home).toContain("&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&gt;&lt;img src=x");
  expect(home).toContain("&amp;lt;&#96;$");
  expectOnlyOurTags(home);
});

test("an approval's arguments are shown whole, with every character visible", async () => {
  const hostile = `</pre><form action="/approvals/1/approve"><button>\u202e\u200b${"long ".repeat(500)}end`;
  await using asked = await askedFor([hostile]);
  const { cookie } = await asked.page.enter();
  const home = await look(asked.page, cookie);
  expect(home).toContain("\\u{202e}\\u{200b}");
  expect(home).not.toMatch(/[\u202e\u200b]/);
  expect(home).toContain("long end&quot;");
  expectOnlyOurTags(home);
});

/** Nothing but our own tags, none with a handler, and each form goes where ours go. */
function expectOnlyOurTags(page: string): void {
  const tags = [...page.matchAll(/<\/?([a-z!][a-z0-9]*)([^>]*)>/gi)];
  const known =
    "!doctype html head meta title link body header h1 h2 h3 form input button p ul li b span small details summary pre section";
  expect(
    [...new Set(tags.map(([, tag = ""]) => tag.toLowerCase()))].filter(
      (tag) => !known.split(" ").includes(tag),
    ),
  ).toEqual([]);
  expect(tags.filter(([, , attributes = ""]) => /\bon\w+=|style=|src=/i.test(attributes))).toEqual(
    [],
  );
  const actions = tags.flatMap(
    ([, , attributes = ""]) => /action="([^"]*)"/.exec(attributes)?.[1] ?? [],
  );
  for (const action of actions)
    expect(action).toMatch(/^\/(logout|approvals\/\d+\/(approve|deny))$/);
}
