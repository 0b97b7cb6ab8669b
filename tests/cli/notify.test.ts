import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { startNtfyServer, type NtfyServer } from "../servers/ntfy.ts";
import { createPlace, type Place } from "./place.ts";

const trials = z.array(
  z.strictObject({
    channel: z.string(),
    ok: z.boolean(),
    code: z.string().nullable(),
    error: z.string().nullable(),
  }),
);

let ntfy: NtfyServer;
let place: Place;
const token = "tk_AgQdq7mVBoFD37zQVN29RhuMzNIz2";
beforeAll(async () => {
  ntfy = await startNtfyServer({ authorization: `Bearer ${token}` });
  place = await createPlace({ NTFY_TOKEN: token });
  await configure();
});
afterAll(async () => {
  await place[Symbol.asyncDispose]();
  await ntfy[Symbol.asyncDispose]();
});

const configure = (more = "") =>
  place.config(`{ notify: { channels: {
    ntfy: { server: "${ntfy.origin}", topic: "watch", token: secret("NTFY_TOKEN"), severity: "critical" },
    terminal: { use: "fallback" },
    ${more}
  } } }`);

test("sends by every channel, whatever it is for, and says so", async () => {
  const { exitCode, stdout, stderr } = await place.run("notify", "test");
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  expect(stdout).toMatch(/notice: Test message of Watchkeeper on /);
  expect(stdout).toMatch(/\nok {4}ntfy\nok {4}terminal\n$/);
  expect(ntfy.shown.at(-1)?.message).toContain("you called `watchkeeper notify test`");
});

test("sends by those that are named, again each time, and leaves no state behind", async () => {
  const count = ntfy.shown.length;
  const outcomes = [
    await place.json("notify", "test", "ntfy"),
    await place.json("notify", "test", "ntfy"),
  ];
  for (const { exitCode, value } of outcomes) {
    expect(exitCode).toBe(0);
    expect(trials.parse(value)).toEqual([{ channel: "ntfy", ok: true, code: null, error: null }]);
  }
  expect(ntfy.shown).toHaveLength(count + 2);
  const status = await place.run("beats");
  expect(status.stderr).toContain("there is no watch");
});

test("one that fails is said with its mend, the others are sent, and the exit is 1", async () => {
  await configure(
    `command: { run: ["sh", "-c", "echo no display, $KEY >&2; exit 3"], env: { KEY: secret("NTFY_TOKEN") } },`,
  );
  const text = await place.run("notify", "test");
  expect(text.exitCode).toBe(1);
  expect(text.stdout).toMatch(/ok {4}ntfy\nok {4}terminal\nfail {2}command: "sh" ended with 3: no/);
  expect(text.stdout + text.stderr).not.toContain(token);
  const { exitCode, value } = await place.json("notify", "test", "command");
  expect(exitCode).toBe(1);
  expect(trials.parse(value)).toEqual([
    {
      ...{ channel: "command", ok: false, code: "CHANNEL_COMMAND_FAILED" },
      error: expect.stringContaining("no display, [secret]"),
    },
  ]);
});

test("a name that is none is wrong use, with the nearest", async () => {
  const { exitCode, stderr } = await place.run("notify", "test", "nfty");
  expect(exitCode).toBe(2);
  expect(stderr).toContain('there is no channel "nfty". Did you mean "ntfy"?');
});

test("a secret that is missing is the whole mistake", async () => {
  await using other = await createPlace();
  await other.config(`{ notify: { channels: { slack: { url: secret("SLACK_URL") } } } }`);
  const { exitCode, stderr } = await other.run("notify", "test");
  expect(exitCode).toBe(2);
  expect(stderr).toContain("notify.channels.slack.url: the secret SLACK_URL is missing");
  expect(stderr).not.toContain("is not an address");
});

test("where no channel is configured, what is told is printed", async () => {
  await using other = await createPlace();
  await other.config(`{ notify: { channels: {} } }`);
  const { exitCode, stdout } = await other.run("notify", "test");
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(/Test message of Watchkeeper[^]*\nok {4}terminal\n$/);
});
