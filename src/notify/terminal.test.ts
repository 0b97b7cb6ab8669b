import { expect, it } from "vitest";
import type { Message } from "./message.ts";
import { formatMessage, terminalChannel } from "./terminal.ts";

const message: Message = {
  key: "1-terminal",
  kind: "finding",
  severity: "critical",
  title: "api is down",
  body: "services/api, finding 1\n\nNo model.",
  why: "critical: told at once",
  at: Date.parse("2026-11-23T08:30:00Z"),
  thread: "finding-1",
  links: [],
  replyToken: null,
};

it("prints time, severity and title first, then the body indented, then why", async () => {
  const printed: string[] = [];
  const channel = terminalChannel({
    print: (text) => printed.push(text),
    timezone: "Europe/Berlin",
  });
  await channel.deliver(message, new AbortController().signal);
  expect(printed).toEqual([
    [
      "",
      "09:30 !! critical: api is down",
      "        services/api, finding 1",
      "",
      "        No model.",
      "        why now: critical: told at once",
      "",
    ].join("\n"),
  ]);
});

it("marks what is over as well, whatever it was", () => {
  const over = { ...message, kind: "recovery", title: "Over after 18s: api is down" } as const;
  expect(formatMessage(over, "UTC")).toMatch(/^\n08:30 ok: Over after 18s: api is down\n/);
});

it.each([
  ["info", "08:30   info: x"],
  ["notice", "08:30 - notice: x"],
  ["warning", "08:30 ! warning: x"],
] as const)("marks %s as such", (severity, head) => {
  const text = formatMessage({ ...message, severity, title: "x", body: "" }, "UTC");
  expect(text.split("\n")).toEqual(["", head, "", "        why now: critical: told at once", ""]);
});

it("leaves links out, for what is printed may be kept by a log, and says so", () => {
  const url = "https://watch.example.com/word/7/token";
  const text = formatMessage({ ...message, links: [{ label: "Approve", url }] }, "UTC");
  expect(text).not.toContain(url);
  expect(text).toContain("\n        (the links are left out here: type the command)\n");
});
