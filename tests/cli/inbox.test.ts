import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createMaildir } from "watchkeeper/testing";
import { createPlace, type Place } from "./place.ts";

let place: Place;
beforeAll(async () => {
  place = await createPlace();
  const box = await createMaildir(place.path("mail"));
  const mail = { to: "me@example.com", text: "Please pay." };
  await box.deliver({ ...mail, from: "bill@example.com", subject: "Invoice 7" });
  await box.deliver({ ...mail, from: "Ann <ann@example.com>", subject: "Lunch" });
  const date = new Date(Date.now() - 20 * 86_400_000);
  await box.deliver({ ...mail, from: "bill@example.com", subject: "Invoice 6", date });
  await place.config(`{ skills: { inbox: {
    accounts: [{ name: "home", maildir: "./mail" }],
    rules: [
      { name: "bills", match: { subject: "invoice" }, label: "Bills", archive: true },
      { name: "all", match: { from: "*" }, severity: "info" },
    ],
  } } }`);
});
afterAll(async () => place[Symbol.asyncDispose]());

describe("inbox test", () => {
  test("shows which recent mail a rule decides, and changes nothing", async () => {
    const { exitCode, stdout } = await place.run("inbox", "test", "bills");
    expect(exitCode).toBe(0);
    expect(stdout).toContain("bills decides 1 mail of the last 14 days: labelled Bills, archived");
    expect(stdout).toContain("home: bill@example.com: Invoice 7");
    expect((await place.run("inbox", "test", "bills", "--days", "30")).stdout).toContain(
      "Invoice 6",
    );
  });

  test("counts only what an earlier rule does not decide", async () => {
    const { value } = await place.json("inbox", "test", "all");
    expect(value).toMatchObject({
      rule: "all",
      does: ["severity info"],
      days: 14,
      messages: [{ account: "home", from: "Ann <ann@example.com>", subject: "Lunch" }],
    });
  });

  test("names the nearest rule when there is none of that name", async () => {
    const { exitCode, stderr } = await place.run("inbox", "test", "bill");
    expect(exitCode).toBe(2);
    expect(stderr).toContain('there is no rule "bill"');
    expect(stderr).toContain('Did you mean "bills"?');
    expect((await place.run("inbox", "test", "bills", "--days", "0")).exitCode).toBe(2);
    const astray = await place.run("inbox", "test", "bills", "--account", "work");
    expect(astray.exitCode).toBe(2);
    expect(astray.stderr).toContain('there is no account "work". The accounts are: home');
  });
});
