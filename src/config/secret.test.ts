import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { largestSecret, revealSecrets, secret } from "./secret.ts";

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "watchkeeper-secret-"));
  writeFileSync(join(dir, "PW"), "from-file\r\n");
  writeFileSync(join(dir, "spaced"), " two words \n\n");
  writeFileSync(join(dir, "empty"), "\n");
  writeFileSync(join(dir, "large"), "x".repeat(largestSecret));
});
afterAll(() => rmSync(dir, { recursive: true }));

const reveal = (environment: Record<string, string>) => revealSecrets(secret("PW"), environment);

describe("a secret", () => {
  test.each([
    [
      "comes from the environment first",
      () => ({ PW: "direct", PW_FILE: join(dir, "PW") }),
      "direct",
    ],
    [
      "then from systemd's credentials, although the file that it was made of cannot be read",
      () => ({ CREDENTIALS_DIRECTORY: dir, PW_FILE: join(dir, "none") }),
      "from-file",
    ],
    [
      "then from the file that NAME_FILE names",
      () => ({ PW: "", PW_FILE: join(dir, "PW"), CREDENTIALS_DIRECTORY: join(dir, "none") }),
      "from-file",
    ],
    [
      "may be as large as a chain of certificates",
      () => ({ PW_FILE: join(dir, "large") }),
      "x".repeat(largestSecret),
    ],
    [
      "loses one line end and nothing else",
      () => ({ PW_FILE: join(dir, "spaced") }),
      " two words \n",
    ],
  ])("%s", (_, environment, value) => {
    expect(reveal(environment())).toMatchObject({ value, values: [value], problems: [] });
  });

  test.each([
    ["missing", () => ({}), "the secret PW is missing; set it in the environment or in .env"],
    ["in no file", () => ({ PW_FILE: join(dir, "none") }), "there is no such file"],
    ["in a folder", () => ({ PW_FILE: dir }), "that is a folder"],
    ["below a file", () => ({ PW_FILE: join(dir, "PW", "x") }), "a part of the path is a file"],
    ["in a file that never ends", () => ({ PW_FILE: "/dev/zero" }), "is larger than 16 KB"],
    ["in an empty file", () => ({ PW_FILE: join(dir, "empty") }), "is empty"],
    [
      "not among the credentials",
      () => ({ CREDENTIALS_DIRECTORY: join(dir, "none") }),
      "is missing",
    ],
  ])("that is %s is a problem with its mend", (_, environment, words) => {
    const { values, problems } = reveal(environment());
    expect(values).toEqual([]);
    expect(problems).toEqual([expect.stringContaining(words)]);
  });
});

test("secrets are found wherever they stand, and each problem names its place", () => {
  const shared = { user: "u", password: secret("A") };
  const revealed = revealSecrets(
    { accounts: [shared, { imap: shared }], "my key": secret("B"), at: new Date(0), nothing: null },
    { A: "one" },
  );
  expect(revealed.value).toMatchObject({
    accounts: [{ password: "one" }, { imap: { password: "one" } }],
    at: new Date(0),
    nothing: null,
  });
  expect(revealed.values).toEqual(["one"]);
  expect(revealed.problems).toEqual([
    expect.stringMatching(/^\["my key"\]: the secret B is missing/),
  ]);
});

test("a config that contains itself is a problem, not an endless walk", () => {
  const config: Record<string, unknown> = {};
  config.self = { config };
  expect(revealSecrets(config, {}).problems).toEqual([
    expect.stringContaining("self.config: contains itself"),
  ]);
});
