import { once } from "node:events";
import { createServer, type AddressInfo, type Server } from "node:net";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, expect, test } from "vitest";
import { freePort } from "../servers/free-port.ts";
import { createPlace, type Place } from "./place.ts";

const password = "hunter2-is-not-it";

let place: Place;
let strict: Server;
let closedPort: number;
beforeAll(async () => {
  strict = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.write("* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] \u001b[2Jready\r\n");
    createInterface({ input: socket }).on("line", (line) => {
      const [tag = "*", command = ""] = line.split(" ");
      if (/^(LOGIN|AUTHENTICATE)$/i.test(command)) {
        socket.write(`${tag} NO [AUTHENTICATIONFAILED] \u001b[31mNot you\r\n`);
      } else socket.write(`${tag} OK done\r\n`);
    });
  });
  closedPort = await listen(strict);
  const port = await freePort();
  place = await createPlace({ PW: password });
  await place.write("page.ics", "<!doctype html><html><body>Please sign in</body></html>");
  const account = (name: string, at: number) =>
    `{ name: "${name}", imap: { host: "127.0.0.1", port: ${at}, secure: false, user: "me", password: secret("PW") } }`;
  await place.config(`{ skills: {
    inbox: { accounts: [${account("strict", closedPort)}, ${account("gone", port)}] },
    calendar: { sources: [{ name: "page", ics: "./page.ics" }, { name: "none", ics: "./none.ics" }] },
  } }`);
});
afterAll(async () => {
  await place[Symbol.asyncDispose]();
  strict.close();
});

async function listen(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

const expected: readonly [string, RegExp][] = [
  ["inbox/strict", /password|refus/i],
  ["inbox/gone", /cannot reach 127\.0\.0\.1:\d+.*imap\.host and imap\.port/],
  ["calendar/page", /web page, not a calendar/],
  ["calendar/none", /no calendar file .*none\.ics/],
];

test("servers that are away, refuse, or serve something else are said in the receipt, and exit is 0", async () => {
  const { exitCode, value } = await place.json("beat");
  expect(exitCode).toBe(0);
  const { checks } = value as { checks: { name: string; outcome: string; error: string }[] };
  for (const [name, words] of expected) {
    const check = checks.find((line) => line.name === name);
    expect(check, name).toMatchObject({ outcome: "failed", error: expect.stringMatching(words) });
    expect(check?.error).not.toMatch(/\n|^\s+at /);
  }
  expect(JSON.stringify(value)).not.toContain(password);
});

test("doctor names each with its mend and fails", async () => {
  const { exitCode, stdout, stderr } = await place.run("doctor");
  expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: "" });
  const text = stdout.replace(/\s+/g, " ");
  for (const [name, words] of expected) {
    expect(text).toContain(`fail ${name}: `);
    expect(text).toMatch(words);
  }
});

test("nothing that a terminal would obey and no secret reaches a screen", async () => {
  for (const command of [["status"], ["beats", "show", "1"], ["doctor"], ["beat", "--dry-run"]]) {
    const { stdout, stderr } = await place.run(...command);
    expect(stdout, command.join(" ")).toContain("strict");
    // eslint-disable-next-line no-control-regex -- escape sequences are what must not be there
    expect(stdout + stderr).not.toMatch(/[\u0000-\u0009\u000B-\u001F\u007F]/);
    expect(stdout + stderr).not.toContain(password);
  }
});
