import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import Database from "better-sqlite3";
import { describe, expect, test } from "vitest";
import { callHash } from "../../src/domain/canonical.ts";
import { wordToken, type WordTokenSubject } from "../../src/domain/word-token.ts";
import { wordExtras, wordPath } from "../../src/notify/word-links.ts";
import { askedFor, type Offered, type Reply } from "./offered.ts";

/** The links of messages that ask for the owner's word, over real sockets, as behind a proxy with HTTPS. */

const publicUrl = "https://watch.example.com";
const day = 24 * 60 * 60_000;
const proxied = { host: "watch.example.com" };
const form = { "content-type": "application/x-www-form-urlencoded" };
const own = { origin: publicUrl, "sec-fetch-site": "same-origin" };

const asked = (texts: readonly string[]) => askedFor(texts, { web: { publicUrl } });

/** The paths of the links that a message about it bears now. */
async function linksOf(
  { kept, clock }: Offered,
  id = 1,
): Promise<{ approve: string; deny: string }> {
  const approval = (await kept.store.getApproval(id))!;
  const { links } = wordExtras(
    approval,
    { publicUrl, secret: kept.watch.wordSecret, repliesCount: false },
    Math.min(clock.now(), approval.expiresAt - 1),
  );
  const [approve = "", deny = ""] = links.map(({ url }) => new URL(url).pathname);
  return { approve, deny };
}

const open = (page: Offered, path: string, headers = {}, method = "GET") =>
  page.ask(method, path, { headers: { ...proxied, ...headers } });

const hashIn = (text: string) => /name="hash" value="([0-9a-f]{64})"/.exec(text)?.[1] ?? "";
const buttonIn = (text: string) => /<button class="(\w+)">([^<]+)</.exec(text)?.slice(1);

/** Sends the page's form as a browser on it would. */
const press = (page: Offered, path: string, hash: string, headers: object = own) =>
  page.ask("POST", path, {
    headers: { ...proxied, ...form, ...headers },
    body: new URLSearchParams({ hash }).toString(),
  });

async function openAndPress(page: Offered, path: string): Promise<Reply> {
  return press(page, path, hashIn((await open(page, path)).text));
}

async function settled(page: Offered): Promise<void> {
  await page.kept.watch.attendance.settle(null);
  await page.kept.settle();
}

const statusOf = async (page: Offered, id = 1) => (await page.kept.store.getApproval(id))?.status;

describe("a link", () => {
  test("shows all of what would be done, and its one button has it done once", async () => {
    await using stage = await asked([`</pre><script>1</script>\u202e${"long ".repeat(900)}end`]);
    const { page, done } = stage;
    const { approve, deny } = await linksOf(page);
    const shown = await open(page, approve);
    expect(shown.status).toBe(200);
    for (const part of [
      "Approve stage_tell?",
      "send: it reaches somebody or something else",
      "\\u{202e}long long",
      "long end&quot;",
      "by run 1, because",
      "Trusted: the run had read nothing of strangers",
      /It waits until \w{3} \d+ \w{3} \d{4} \d\d:\d\d \(UTC\)/,
      `<a href="${deny}">Deny it instead</a>`,
    ]) {
      expect(shown.text).toMatch(part instanceof RegExp ? part : new RegExp(RegExp.escape(part)));
    }
    expect(shown.text.match(/<form/g)).toHaveLength(1);
    expect(buttonIn(shown.text)).toEqual(["approve", "Approve this"]);
    expect(shown.text).not.toMatch(/<script|<img|<iframe|http-equiv|\son\w+=|src=|\u202e/);
    const refusing = await open(page, deny);
    expect(buttonIn(refusing.text)).toEqual(["deny", "Deny"]);
    expect(refusing.text).toContain("long end&quot;");

    const pressed = await press(page, approve, hashIn(shown.text));
    expect([pressed.status, pressed.headers.location]).toEqual([303, approve]);
    await settled(page);
    expect(done).toHaveLength(1);

    for (const path of [approve, deny]) {
      const after = await open(page, path);
      expect(after.status).toBe(200);
      expect(after.text).toMatch(/Approval 1, approved \w{3} \d+ \w{3} \d{4} \d\d:\d\d \(UTC\)/);
      expect(after.text).toContain("stage_tell was done.");
      expect(after.text).not.toMatch(/<form|long end/);
      const again = await press(page, path, hashIn(shown.text));
      expect(again.status).toBe(409);
      expect(again.text).toContain("stage_tell was done.");
    }
    await settled(page);
    expect(done).toHaveLength(1);
    expect(await statusOf(page)).toBe("approved");
  });

  test("that denies leaves it undone for good", async () => {
    await using stage = await asked(["hello"]);
    const { page, done } = stage;
    const { approve, deny } = await linksOf(page);
    expect((await openAndPress(page, deny)).status).toBe(303);
    for (const path of [approve, deny]) {
      const after = await open(page, path);
      expect(after.text).toContain("stage_tell was denied");
      expect(after.text).toContain("Nothing was done.");
      const { argumentsHash } = (await page.kept.store.getApproval(1))!;
      expect((await press(page, path, argumentsHash)).status).toBe(409);
    }
    await settled(page);
    expect([await statusOf(page), done]).toEqual(["denied", []]);
  });

  test("holds over a restart, and what was decided does too", async () => {
    await using stage = await asked(["one", "two"]);
    const { page, done } = stage;
    const { approve } = await linksOf(page);
    const second = await linksOf(page, 2);
    await page.restart();
    expect((await openAndPress(page, approve)).status).toBe(303);
    await settled(page);
    await page.restart();
    const after = await open(page, approve);
    expect(after.text).toContain("stage_tell was done.");
    const { argumentsHash } = (await page.kept.store.getApproval(1))!;
    expect((await press(page, approve, argumentsHash)).status).toBe(409);
    expect(done).toEqual(["one"]);

    // A new secret ends the links that were made with the old one.
    await rm(join(page.stateDir, "word-secret"));
    await page.restart();
    expect((await open(page, second.approve)).status).toBe(404);
    expect((await open(page, (await linksOf(page, 2)).approve)).status).toBe(200);
  });

  test("says that its time is over, and nothing was done", async () => {
    await using stage = await asked(["hello"]);
    const { page, done } = stage;
    const { approve, deny } = await linksOf(page);
    const { expiresAt, argumentsHash } = (await page.kept.store.getApproval(1))!;
    page.clock.set(expiresAt - 1);
    expect(buttonIn((await open(page, approve)).text)).toEqual(["approve", "Approve this"]);
    // Nobody has come by to write down that it is over.
    page.clock.set(expiresAt);
    expect(await statusOf(page)).toBe("pending");
    const late = async () => {
      for (const path of [approve, deny]) {
        for (const reply of [await open(page, path), await press(page, path, argumentsHash)]) {
          expect(reply.text).toContain("The time for stage_tell is over");
          expect(reply.text).toContain("Nothing was done.");
          expect(reply.text).not.toContain("<form");
        }
        expect((await press(page, path, argumentsHash)).status).toBe(409);
      }
    };
    await late();
    await settled(page);
    expect(await statusOf(page)).toBe("expired");
    await late();
    expect(done).toEqual([]);
  });

  test("says that a pause holds up what was approved", async () => {
    await using stage = await asked(["hello"]);
    const { page, done } = stage;
    await page.kept.store.pause({ pausedAt: page.clock.now(), until: null, reason: null });
    const { approve } = await linksOf(page);
    await openAndPress(page, approve);
    await settled(page);
    expect((await open(page, approve)).text).toContain("Watchkeeper is paused");
    expect(done).toEqual([]);
  });
});

test("two words at the same instant: one decides, the other is told what was decided", async () => {
  await using stage = await asked(["one", "two", "three"]);
  const { page, done } = stage;
  let approved = 0;
  for (const [index, [first, second]] of (
    [
      ["approve", "approve"],
      ["approve", "deny"],
      ["deny", "approve"],
    ] as const
  ).entries()) {
    const id = index + 1;
    const links = await linksOf(page, id);
    const { argumentsHash } = (await page.kept.store.getApproval(id))!;
    const replies = await Promise.all([
      press(page, links[first], argumentsHash),
      press(page, links[second], argumentsHash),
    ]);
    expect(replies.map(({ status }) => status).sort()).toEqual([303, 409]);
    if ((await statusOf(page, id)) === "approved") approved += 1;
  }
  await settled(page);
  expect(done).toHaveLength(approved);
});

test("what only looks at links decides nothing, however often and in whatever guise", async () => {
  await using stage = await asked(["hello"]);
  const { page, done } = stage;
  const links = await linksOf(page);
  const robots = [
    { "user-agent": "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)" },
    { "user-agent": "TelegramBot (like TwitterBot)", accept: "text/html" },
    { "user-agent": "facebookexternalhit/1.1", range: "bytes=0-524287" },
    { "user-agent": "Mozilla/5.0 (Windows NT 10.0)", "x-purpose": "preview" },
    {
      "sec-purpose": "prefetch;prerender",
      "sec-fetch-site": "none",
      "sec-fetch-mode": "navigate",
      "sec-fetch-dest": "document",
    },
  ];
  for (let index = 0; index < 100; index += 1) {
    for (const path of [links.approve, links.deny]) {
      const head = await open(page, path, robots[index % robots.length], "HEAD");
      const whole = await open(page, path, robots[index % robots.length]);
      expect([head.status, head.text, whole.status]).toEqual([200, "", 200]);
      expect(head.headers["content-length"]).toBe(whole.headers["content-length"]);
    }
  }
  // What one finds there to fetch.
  const { text, headers } = await open(page, links.approve);
  const found = [...text.matchAll(/(?:href|src|action)="([^"]+)"/g)].map(([, target]) => target);
  expect(found).toEqual(["/style.css", links.approve, links.deny]);
  expect((await open(page, "/style.css")).status).toBe(200);
  expect(headers).toMatchObject({
    "cache-control": "no-store",
    "referrer-policy": "strict-origin",
    "x-robots-tag": "noindex, nofollow, noarchive",
    "content-security-policy":
      "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
  });
  await settled(page);
  expect([await statusOf(page), done]).toEqual(["pending", []]);
});

test("only the page's own form decides, from wherever else and in whatever way it is tried", async () => {
  await using stage = await asked(["hello"]);
  const { page, done } = stage;
  const { approve, deny } = await linksOf(page);
  const { argumentsHash: hash } = (await page.kept.store.getApproval(1))!;
  const posts: [Record<string, string>, number][] = [
    [{ origin: "https://evil.example" }, 403],
    [{ origin: "null", "sec-fetch-site": "cross-site" }, 403],
    [{ origin: "null" }, 403],
    [{ ...own, "sec-fetch-site": "cross-site" }, 403],
    [{ ...own, "sec-fetch-site": "same-site" }, 403],
    [{ origin: "https://other.watch.example.com", "sec-fetch-site": "same-site" }, 403],
    [
      {
        "sec-fetch-site": "cross-site",
        "sec-fetch-mode": "navigate",
        "sec-fetch-dest": "document",
      },
      403,
    ],
    // A program that posts to every form it finds, without being a browser.
    [{}, 403],
    [{ ...own, host: "evil.example" }, 403],
    [{ ...own, "content-type": "text/plain" }, 415],
    [{ ...own, "content-type": "application/json" }, 415],
  ];
  for (const [headers, status] of posts) {
    for (const path of [approve, deny]) {
      expect([headers, (await press(page, path, hash, headers)).status]).toEqual([headers, status]);
    }
  }
  expect((await press(page, approve, "")).status).toBe(400);
  expect((await press(page, approve, hash.replace(/./g, "0"))).status).toBe(409);
  for (const method of ["PUT", "DELETE", "PATCH", "OPTIONS"]) {
    const reply = await open(page, approve, own, method);
    expect([reply.status, reply.headers.allow]).toEqual([405, "GET, HEAD, POST"]);
  }
  const looks: [Record<string, string>, number][] = [
    [
      {
        "sec-fetch-site": "cross-site",
        "sec-fetch-mode": "navigate",
        "sec-fetch-dest": "document",
      },
      200,
    ],
    [{ "sec-fetch-site": "none", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document" }, 200],
    [
      { "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image" },
      403,
    ],
    [
      { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe" },
      403,
    ],
  ];
  for (const [headers, status] of looks) {
    expect([headers, (await open(page, approve, headers)).status]).toEqual([headers, status]);
  }
  await settled(page);
  expect([await statusOf(page), done]).toEqual(["pending", []]);
});

test("whatever is no link of ours gets one and the same answer", async () => {
  await using stage = await asked(["one", "two"]);
  await using other = await asked(["one"]);
  const { page, done } = stage;
  const { approve, deny } = await linksOf(page);
  const approval = (await page.kept.store.getApproval(1))!;
  const token = approve.split("/").at(-1) ?? "";
  const made = (changes: Partial<WordTokenSubject>, secret = page.kept.watch.wordSecret ?? "") => {
    const { id: approvalId, argumentsHash, expiresAt } = approval;
    return wordPath(
      1,
      wordToken(secret, { approvalId, argumentsHash, expiresAt, use: "approve", ...changes }),
    );
  };
  expect(made({})).toBe(approve);
  const wrong: Record<string, string> = {
    "another call's id": wordPath(2, token),
    "an id that is none": wordPath(999, token),
    "another sign": `${approve.slice(0, -1)}${approve.endsWith("a") ? "b" : "a"}`,
    "a cut link": approve.slice(0, -1),
    "a longer link": `${approve}a`,
    "a point behind it": `${approve}.`,
    "a token as codes": `/word/1/%77${token.slice(1)}`,
    "an id with zeros": `/word/01/${token}`,
    "a huge id": `/word/${"9".repeat(30)}/${token}`,
    "no token": "/word/1/",
    nothing: "/word/",
    "a made-up token": `/word/1/wk1${"a".repeat(26)}`,
    "a token of a thousand signs": `/word/1/wk1${"a".repeat(1_000)}`,
    "the token of replies": made({ use: "reply" }),
    "another time": made({ expiresAt: approval.expiresAt + day }),
    "other arguments": made({ argumentsHash: "0f".repeat(32) }),
    "a token of another watch": (await linksOf(other.page)).approve,
    "a token of no secret": made({}, ""),
  };
  const answers = new Map<string, string[]>();
  for (const [what, path] of Object.entries(wrong)) {
    const { status, headers, text } = await open(page, path);
    const said = JSON.stringify({ status, headers: { ...headers, date: "" }, text });
    expect(said).not.toContain("wk1");
    answers.set(said, [...(answers.get(said) ?? []), what]);
  }
  expect([...answers.values()]).toEqual([Object.keys(wrong)]);
  expect([...answers.keys()][0]).toContain('"status":404');
  const posts = await Promise.all(
    Object.values(wrong)
      .slice(0, 5)
      .map(async (path) => (await press(page, path, approval.argumentsHash)).status),
  );
  expect(posts).toEqual([404, 404, 404, 404, 404]);

  // Whoever goes on guessing is told to stop; the owner is not held up, and is told once.
  for (let index = 0; index < 20; index += 1) await open(page, wrong["another sign"]!);
  const stopped = await open(page, wrong["another sign"]!);
  expect([stopped.status, Number(stopped.headers["retry-after"])]).toEqual([429, 60]);
  expect((await open(page, deny)).status).toBe(200);
  page.clock.set(page.clock.now() + 60_000);
  expect((await open(page, wrong["another sign"]!)).status).toBe(404);
  expect(page.warnings).toEqual(["somebody tries links of approvals that are none of ours"]);
  expect([await statusOf(page), done]).toEqual(["pending", []]);
});

test("what was changed in the database between look and word is not decided", async () => {
  await using stage = await asked(["to Ann", "to Ben"]);
  const { page, done } = stage;
  const change = (id: number, fields: Record<string, string>) => {
    const database = new Database(join(page.stateDir, "watchkeeper.db"));
    for (const [name, value] of Object.entries(fields)) {
      database.prepare(`update approvals set ${name} = ? where id = ?`).run(value, id);
    }
    database.close();
  };
  const evil = { text: "to Eve" };
  const { approve } = await linksOf(page);
  const hash = hashIn((await open(page, approve)).text);
  change(1, { arguments: JSON.stringify(evil) });
  for (const reply of [await press(page, approve, hash), await open(page, approve)]) {
    expect(reply.status).toBe(409);
    expect(reply.text).toContain("approval 1 is not the call that was asked any more");
    expect(reply.text).not.toContain("Eve");
  }
  // With its hash it is another call, for which no link was ever made.
  const second = await linksOf(page, 2);
  const { toolVersion: version } = (await page.kept.store.getApproval(2))!;
  change(2, {
    arguments: JSON.stringify(evil),
    arguments_hash: callHash({ tool: "stage_tell", version, arguments: evil }),
  });
  expect((await press(page, second.approve, hash)).status).toBe(404);
  await settled(page);
  expect([await statusOf(page), await statusOf(page, 2), done]).toEqual(["pending", "pending", []]);
});

test("under a new public address the old one leads nowhere, and the path of a link holds", async () => {
  const web = { publicUrl: "https://old.example.com" };
  await using stage = await askedFor(["hello"], { web });
  const { page, done } = stage;
  const { approve } = await linksOf(page);
  const old = { host: "old.example.com" };
  expect((await open(page, approve, old)).status).toBe(200);
  web.publicUrl = publicUrl;
  await page.restart();
  expect((await open(page, approve, old)).status).toBe(403);
  const hash = hashIn((await open(page, approve)).text);
  const from = { origin: "https://old.example.com", "sec-fetch-site": "same-origin" };
  expect((await press(page, approve, hash, from)).status).toBe(403);
  expect((await press(page, approve, hash)).status).toBe(303);
  await settled(page);
  expect(done).toEqual(["hello"]);
});

test("with a secret that cannot be used the watch goes on, and no link counts", async () => {
  await using stage = await asked(["hello"]);
  const { page, done } = stage;
  const { approve } = await linksOf(page);
  await writeFile(join(page.stateDir, "word-secret"), "short\n");
  await page.restart();
  expect(page.kept.watch.wordSecret).toBeNull();
  expect((await open(page, approve)).status).toBe(404);
  expect((await page.ask("GET", "/healthz")).status).toBe(200);
  expect([await statusOf(page), done]).toEqual(["pending", []]);
});

test("a session, a web token or none: the link alone counts", async () => {
  await using stage = await asked(["hello"]);
  const { page, done } = stage;
  const { approve } = await linksOf(page);
  await page.enter();
  const bearer = { authorization: `Bearer ${page.token}` };
  expect((await open(page, approve.replace(/.$/, ""), bearer)).status).toBe(404);
  // On plain loopback too, where that is what web.publicUrl says.
  const local = await page.ask("GET", approve);
  expect((await page.post(approve, { hash: hashIn(local.text) })).status).toBe(303);
  await settled(page);
  expect(done).toEqual(["hello"]);
});
