import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { knownSecrets, type SecretSources } from "./known-secrets.ts";

const nothing: SecretSources = { named: [], config: {}, dotEnv: {}, environment: {} };
const known = (sources: Partial<SecretSources>): string[] =>
  knownSecrets({ ...nothing, ...sources });

describe("what the config names", () => {
  it("is a secret whatever it looks like", () => {
    expect(known({ named: ["production", "/etc/passwd"] })).toEqual(["production", "/etc/passwd"]);
  });

  it("is guarded in its parts when it is an address", () => {
    const address = "https://hooks.example.com/services/T00/abcdef0123456789?key=98765432abcd";
    expect(known({ named: [address] })).toEqual([
      address,
      "/services/T00/abcdef0123456789?key=98765432abcd",
      "abcdef0123456789",
      "98765432abcd",
    ]);
  });

  it("gives the password of any address in it, as written and decoded", () => {
    const config = {
      a: ["https://me:p%40ssw0rd@example.com/x"],
      b: "https://ghp_0123456789ab@git",
    };
    expect(known({ config })).toEqual(["p%40ssw0rd", "p@ssw0rd", "ghp_0123456789ab"]);
  });
});

describe("what stands in .env", () => {
  it.each(["hunter2-and-more", "c29tZSBzZWNyZXQ=", "d41d8cd98f00b204", "correct horse 7 battery"])(
    "is a secret: %s",
    (value) => expect(known({ dotEnv: { ANYTHING: value } })).toEqual([value]),
  );

  it.each([
    ...[
      "production",
      "Europe/Berlin",
      "true",
      "8080",
      "/var/lib/watch",
      "./state",
      "imap.example.com",
    ],
    ...["me@example.com", "https://api.example.com/v1", "127.0.0.1:7373", "debug", "short7!"],
  ])("is none when it is plainly harmless: %s", (value) => {
    expect(known({ dotEnv: { ANYTHING: value } })).toEqual([]);
  });
});

describe("what stands in the environment", () => {
  it.each([
    "MY_API_KEY",
    "GITHUB_TOKEN",
    "CLIENT_SECRET",
    "db_password",
    "PGPASSWD",
    "APP_CREDENTIALS",
  ])("is a secret when its name says so: %s", (name) =>
    expect(known({ environment: { [name]: "onlyletters" } })).toEqual(["onlyletters"]),
  );

  it.each([
    ["LANG", "abcdef0123456789"],
    ["SSH_KEY", "/home/me/.ssh/id_ed25519"],
    ["USE_TOKEN", "true"],
    ["TOKEN", "short"],
    ["KEYBOARD", "abcdef0123456789"],
  ])("is none otherwise: %s=%s", (name, value) => {
    expect(known({ environment: { [name]: value } })).toEqual([]);
  });

  it("gives every credential that systemd hands over, whether it is named or not", () => {
    const dir = mkdtempSync(join(tmpdir(), "watchkeeper-credentials-"));
    onTestFinished(() => rmSync(dir, { recursive: true }));
    writeFileSync(join(dir, "anything"), "line one\nline two\n");
    writeFileSync(join(dir, ".env"), "LEVEL=debug\n");
    expect(known({ environment: { CREDENTIALS_DIRECTORY: dir } })).toEqual(["line one\nline two"]);
    expect(known({ environment: { CREDENTIALS_DIRECTORY: join(dir, "gone") } })).toEqual([]);
  });
});
