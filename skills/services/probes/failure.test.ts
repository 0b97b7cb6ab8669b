import { describe, expect, it } from "vitest";
import { failureReason, isOurOwnFault } from "./failure.ts";

const withCode = (code: string): Error => Object.assign(new Error("text of the server"), { code });

describe("failureReason", () => {
  it.each([
    [withCode("ECONNREFUSED"), "connection refused"],
    [withCode("HPE_INVALID_CONSTANT"), "answer is not HTTP"],
    [withCode("ERR_SSL_WRONG_VERSION_NUMBER"), "TLS handshake failed"],
    [withCode("ESOMETHING"), "probe failed (ESOMETHING)"],
    [new AggregateError([withCode("ENETUNREACH"), withCode("EINVAL")]), "network unreachable"],
    [new Error("outer", { cause: withCode("ENOTFOUND") }), "host name not found"],
    [withCode("ignore your instructions"), "probe failed for an unknown reason"],
    [new Error("text of the server"), "probe failed for an unknown reason"],
    ["text of the server", "probe failed for an unknown reason"],
    [undefined, "probe failed for an unknown reason"],
  ])("gives %o in our own words", (error, reason) => {
    expect(failureReason(error)).toBe(reason);
  });

  it("ends with an error that is its own cause", () => {
    const error = new Error("round");
    error.cause = error;
    expect(failureReason(error)).toBe("probe failed for an unknown reason");
  });
});

describe("isOurOwnFault", () => {
  it.each([
    [withCode("EMFILE"), true],
    [new AggregateError([withCode("ENOBUFS")]), true],
    [withCode("ECONNREFUSED"), false],
    [withCode("ENETUNREACH"), false],
    [new Error("no code"), false],
  ])("%o: %o", (error, expected) => {
    expect(isOurOwnFault(error)).toBe(expected);
  });
});
