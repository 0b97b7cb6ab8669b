import { describe, expect, it } from "vitest";
import { describeFailure, plainLine, type FailureContext } from "./failure.ts";

const context: FailureContext = { now: 0, begun: false, secrets: ["sk-abcdef"] };

describe("plainLine", () => {
  it.each([
    ["two\n\tlines ", "two lines"],
    ["\u001b[31mred\u001b[0m", "[31mred [0m"],
    ["right\u202eleft", "right left"],
    ["the key sk-abcdef, again sk-abcdef", "the key [key], again [key]"],
    ["another one: sk-ant-api03-Ab_9-x.", "another one: [key]."],
    ["at https://ann:secret@example.com/v1", "at https://example.com/v1"],
  ])("%j becomes %j", (text, line) => {
    expect(plainLine(text, context.secrets)).toBe(line);
  });

  it("takes out the key before it cuts, so that no half of it stays", () => {
    const line = plainLine(`${"x".repeat(497)}sk-abcdef`, context.secrets);
    expect(line).toBe(`${"x".repeat(497)}[ke…`);
  });
});

describe("describeFailure", () => {
  it("names the cause that lies deepest", () => {
    const error = new TypeError("fetch failed", {
      cause: Object.assign(new Error("certificate has expired"), { code: "CERT_HAS_EXPIRED" }),
    });
    expect(describeFailure(error, context)).toEqual({
      kind: "unreachable",
      message: "certificate has expired: CERT_HAS_EXPIRED",
    });
  });

  it("looks into the attempts at several addresses", () => {
    const cause = new AggregateError([new Error("connect ECONNREFUSED ::1:443")]);
    expect(describeFailure(new TypeError("fetch failed", { cause }), context).message).toBe(
      "connect ECONNREFUSED ::1:443",
    );
  });

  it.each([[undefined], [null], [{}], [7]])("has words for %j being thrown", (thrown) => {
    expect(describeFailure(thrown, context)).toEqual({
      kind: "unreachable",
      message: "the connection failed",
    });
  });

  it.each([
    [{ status: 401 }, true],
    [{ status: 429 }, true],
    [{ status: 400 }, true],
    [{ status: 408 }, undefined],
    [{ status: 503 }, true],
    [{ status: 529 }, true],
    [{ status: 500 }, undefined],
    [{ status: 504 }, undefined],
    [{ type: "rate_limit_error" }, undefined],
    [{ message: "fetch failed", cause: { code: "ECONNREFUSED" } }, true],
    [{ message: "fetch failed", cause: { cause: { code: "ENOTFOUND" } } }, true],
    [{ message: "fetch failed", cause: { code: "ECONNRESET" } }, undefined],
    [{ message: "fetch failed" }, undefined],
  ])("%j: is certainly not billed: %j", (thrown, unbilled) => {
    expect(describeFailure(thrown, context).unbilled).toBe(unbilled);
    expect(describeFailure(thrown, { ...context, begun: true }).unbilled).toBeUndefined();
  });

  it("survives a chain of causes that bites its tail", () => {
    const error = new Error("round");
    error.cause = error;
    expect(describeFailure(error, context).message).toBe("round");
  });

  it.each([
    [{ "retry-after": "0" }, 0],
    [{ "retry-after": "1.5" }, 1_500],
    [{ "retry-after-ms": "250", "retry-after": "9" }, 250],
    [{ "retry-after": "Thu, 01 Jan 1970 00:02:00 GMT" }, 120_000],
    [{ "retry-after": "99999999999999" }, 366 * 86_400_000],
    [{ "retry-after": "soon" }, undefined],
    [{ "retry-after": "-5" }, undefined],
    [{}, undefined],
  ] satisfies [Record<string, string>, number | undefined][])("reads %j as %j ms", (given, ms) => {
    const error = { status: 429, type: "rate_limit_error", headers: new Headers(given) };
    const { retryAfterMs } = describeFailure(error, context);
    expect(retryAfterMs).toBe(ms);
  });
});
