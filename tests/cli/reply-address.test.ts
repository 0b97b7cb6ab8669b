import { afterEach, beforeEach, expect, test } from "vitest";
import { createPlace, type Place } from "./place.ts";

let place: Place;
beforeEach(async () => {
  place = await createPlace();
});
afterEach(async () => place[Symbol.asyncDispose]());

const email = { smtp: { host: "127.0.0.1", port: 1, secure: false }, from: "watch@example.com" };
const account = { name: "watch", maildir: "./mail" };

test.each<[string, object, string[]]>([
  [
    "an account that nobody proves a sender in",
    { address: "watch@example.com" },
    [
      "notify.channels.email: approvals cannot be answered by e-mail: account \"watch\" has no authservId, so nobody's address counts as proven; write the first word of your server's Authentication-Results header",
    ],
  ],
  [
    "an account of another address",
    { address: "me@example.com", authservId: "mx.example.com" },
    [
      "notify.channels.email: approvals cannot be answered by e-mail: nobody reads what comes to watch@example.com; give an inbox account that address, and its authservId",
    ],
  ],
  [
    "an account of that address and server",
    { address: "Watch@example.com", authservId: "mx.example.com" },
    [],
  ],
])(
  "config check says of %s whether approvals can be answered by e-mail",
  async (_, more, expected) => {
    const config = {
      skills: { inbox: { accounts: [{ ...account, ...more }] } },
      notify: { channels: { email: { ...email, to: ["me@example.com"] } } },
    };
    await place.write("agent.config.ts", `export default ${JSON.stringify(config)};`);
    const { stdout, exitCode } = await place.run("config", "check", "--json");
    expect(exitCode).toBe(0);
    const { warnings } = JSON.parse(stdout) as { warnings: string[] };
    expect(warnings.filter((warning) => warning.includes("e-mail"))).toEqual(expected);
  },
);

test("nothing is said of it where no e-mail is sent", async () => {
  const config = { skills: { inbox: { accounts: [account] } } };
  await place.write("agent.config.ts", `export default ${JSON.stringify(config)};`);
  const { stdout } = await place.run("config", "check", "--json");
  expect(stdout).not.toContain("e-mail");
});
