import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { toAdapterError } from "./imap-errors.ts";

const server = {
  host: "imap.example.com",
  port: 993,
  user: "me",
  secrets: ["hunter2-hunter2"],
  folder: "INBOX",
};
const failure = (fields: Record<string, unknown>) =>
  Object.assign(new Error("Command failed"), fields);

describe("toAdapterError", () => {
  it.each([
    [{ authenticationFailed: true, responseText: "no such user" }, "IMAP_LOGIN_REFUSED"],
    [{ authenticationFailed: true, serverResponseCode: "UNAVAILABLE" }, "IMAP_LOGIN_UNAVAILABLE"],
    [{ code: "ENOTFOUND" }, "IMAP_UNREACHABLE"],
    [{ code: "CONNECT_TIMEOUT" }, "IMAP_UNREACHABLE"],
    [{ code: "CERT_HAS_EXPIRED" }, "IMAP_TLS_REFUSED"],
    [{ code: "ERR_SSL_WRONG_VERSION_NUMBER" }, "IMAP_TLS_REFUSED"],
    [{ mailboxMissing: true }, "IMAP_FOLDER_MISSING"],
    [{ responseStatus: "NO", responseText: "[SERVERBUG] later" }, "IMAP_COMMAND_REFUSED"],
    [{ code: "EConnectionClosed" }, "IMAP_CONNECTION_LOST"],
  ])("%j is %s", (fields, code) => {
    expect(toAdapterError(failure(fields), server).code).toBe(code);
  });

  it("repeats no password, in whatever form the server sends it back", () => {
    const base64 = (text: string) => Buffer.from(text).toString("base64");
    for (const secret of [
      "hunter2-hunter2",
      base64("hunter2-hunter2"),
      base64("\0me\0hunter2-hunter2"),
      base64("user=me\x01auth=Bearer hunter2-hunter2\x01\x01"),
    ]) {
      const fields = {
        authenticationFailed: true,
        responseText: `bad: ${secret}`,
        executedCommand: `1 LOGIN ${secret}`,
      };
      expect(
        inspect(toAdapterError(failure(fields), server), { depth: 9, showHidden: true }),
      ).not.toContain(secret);
    }
  });

  it("takes anything that was thrown", () => {
    expect(toAdapterError("odd", server)).toMatchObject({ code: "IMAP_CONNECTION_LOST" });
  });
});
