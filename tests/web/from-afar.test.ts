import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import {
  callTools,
  createMaildir,
  FakeClock,
  findingIds,
  reportAll,
  startScriptedModel,
} from "watchkeeper/testing";
import { wordTokens } from "../../src/domain/word-token.ts";
import { wordExtras } from "../../src/notify/word-links.ts";
import { temporaryFolder } from "../daemon/harness.ts";
import { freePort } from "../servers/free-port.ts";
import { startNtfyServer } from "../servers/ntfy.ts";
import { startMailServer } from "../servers/smtp.ts";
import { offerPage } from "./offered.ts";

/**
 * The whole way from where the owner is: a mail comes in, the model wants to answer, the owner's phone shows
 * buttons, one opens a page, whose button is pressed, and a real mail server gets the answer, or never does.
 */

const letter = { to: ["ann@hill.example"], subject: "Re: Tuesday?", text: "Tuesday is fine." };

test.each(["Approve", "Deny"] as const)("%s from where the owner is", async (label) => {
  await using folder = await temporaryFolder();
  const maildir = await createMaildir(join(folder.path, "mail"));
  const mails = await startMailServer();
  await using _mails = { [Symbol.asyncDispose]: () => mails.stop() };
  const date = new Date(new FakeClock().now() - 60_000);
  const from = "Ann <ann@hill.example>";
  await maildir.deliver({ from, to: "me@home.example", subject: "Tuesday?", text: "?", date });
  const judge = reportAll("notify");
  await using model = await startScriptedModel((request, index) => {
    const isFirst = request.body.messages.length === 1 && findingIds(request).includes("1");
    return isFirst ? callTools([{ name: "inbox_send", input: letter }]) : judge(request, index);
  });
  await using ntfy = await startNtfyServer();
  const lines: string[] = [];
  const port = await freePort();
  await using page = await offerPage({
    model,
    notify: { channels: { ntfy: { server: ntfy.origin, topic: "watch" } } },
    listen: (line) => lines.push(line),
    web: { port, publicUrl: `http://127.0.0.1:${port}` },
    skills: {
      inbox: {
        accounts: [
          {
            ...{
              name: "home",
              address: "me@home.example",
              maildir: maildir.path,
              firstSight: "2d",
            },
            smtp: { host: "127.0.0.1", port: mails.port, secure: false },
          },
        ],
      },
    },
  });
  const { kept } = page;
  const asking = () => ntfy.shown.find(({ title }) => title?.startsWith("Your word"));
  // In small steps: an attempt that a server answers at once must not run out of its time meanwhile.
  while (!asking()) await kept.pass(4_000);

  const { title, message, actions = [] } = asking()!;
  expect(title).toBe("Your word is asked: inbox_send (approval 1)");
  for (const part of [
    '"ann@hill.example"',
    '"Tuesday is fine."',
    "(send: it reaches somebody or something else)",
    "Asked because ",
    "Asked by run 1 over finding 1 of inbox/home, which a stranger could have written.",
    "with the links below, or type `watchkeeper approve 1` or `watchkeeper deny 1`",
  ]) {
    expect(message).toContain(part);
  }
  expect(actions.map((button) => [button.action, button.label])).toEqual([
    ["view", "Approve"],
    ["view", "Deny"],
  ]);
  expect(message).not.toMatch(wordTokens);
  const urls = actions.map(({ url }) => url);
  const { replyToken } = wordExtras(
    (await kept.store.getApproval(1))!,
    { publicUrl: undefined, repliesCount: true, secret: kept.watch.wordSecret },
    page.clock.now(),
  );
  const tokens = [...urls, replyToken].flatMap((text) => text?.match(wordTokens) ?? []);
  expect(new Set(tokens).size).toBe(3);

  // Somebody sends it all on, to a mailbox that is watched.
  const quoted = [...urls, ...urls.map(encodeURIComponent), replyToken?.toUpperCase()];
  await maildir.deliver({
    ...{ from, to: "me@home.example", subject: `Fwd: ${urls[0]}`, date },
    text: quoted.map((line) => `> ${line}`).join("\n"),
  });
  // The server of the channel repeats in its complaint what it was given before.
  ntfy.behave({ status: 500, body: JSON.stringify({ error: `cannot take ${urls.join(" ")}` }) });
  while (!lines.some((line) => line.includes("cannot take"))) await kept.pass(4_000);
  ntfy.behave("answer");
  expect(
    model.requests
      .at(-1)
      ?.body.messages.map((each) => JSON.stringify(each))
      .join(""),
  ).toContain("[one-time token]");

  const url = actions.find((button) => button.label === label)?.url ?? "";
  const shown = await (await fetch(url)).text();
  expect(shown).toContain("Tuesday is fine.");
  expect(shown).toContain("Untrusted: the run had read what a stranger could have written.");
  expect(mails.received).toEqual([]);
  const pressed = await fetch(url, {
    method: "POST",
    headers: { origin: new URL(url).origin },
    body: new URLSearchParams({ hash: /name="hash" value="(\w+)"/.exec(shown)?.[1] ?? "" }),
  });
  expect(pressed.status).toBe(200);
  await kept.watch.attendance.settle(null);
  await kept.pass(10 * 60_000);

  const after = await (await fetch(url)).text();
  if (label === "Approve") {
    expect(after).toContain("inbox_send was done.");
    expect(mails.received.map(({ to }) => to)).toEqual([["ann@hill.example"]]);
    expect(mails.received[0]?.raw.toString()).toContain("Tuesday is fine.");
  } else {
    expect(after).toContain("inbox_send was denied");
    await kept.pass(60 * 60_000);
    expect(mails.received).toEqual([]);
  }

  // No token stands anywhere but in the message: not where they were repeated, nor where all is kept.
  expect(lines.join("\n")).toMatch(/cannot take \S+\[one-time token\]/);
  const files = await readdir(page.stateDir);
  expect(files).toEqual(expect.arrayContaining(["watchkeeper.db", "watchkeeper.db-wal"]));
  const kepts = await Promise.all(
    files
      .filter((name) => name !== "control.sock" && !name.startsWith("watchkeeper.lock"))
      .map((name) => readFile(join(page.stateDir, name), "latin1").catch(() => "")),
  );
  const secret = kept.watch.wordSecret ?? "";
  const places = {
    log: lines.join("\n"),
    prompts: JSON.stringify(model.requests.map(({ body }) => body)),
    printed: kept.printed.join("\n"),
    files: kepts.join("\n"),
  };
  expect(places.files.length).toBeGreaterThan(100_000);
  expect(places.files).toContain("[one-time token]");
  for (const [place, text] of Object.entries(places)) {
    for (const token of tokens) {
      expect([place, text.toLowerCase().includes(token)]).toEqual([place, false]);
      expect([place, text.includes(token.slice(3, 20))]).toEqual([place, false]);
    }
  }
  expect(places.files.split(secret)).toHaveLength(2);
  expect(`${places.log}${places.prompts}`).not.toContain(secret);
});
