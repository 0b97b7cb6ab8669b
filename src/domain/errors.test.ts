import { describe, expect, it } from "vitest";
import { AdapterError, ConfigError, describeError, isWatchkeeperError } from "./errors.ts";

describe("errors", () => {
  it("have a code, a hint, a cause and their class's name", () => {
    const cause = new Error("why");
    const error = new ConfigError("SOME_CODE", "what", { hint: "do this", cause });
    expect(error).toMatchObject({ name: "ConfigError", code: "SOME_CODE", hint: "do this", cause });
    expect("cause" in new ConfigError("SOME_CODE", "what")).toBe(false);
  });

  it("from outside may be tried again, unless they say otherwise", () => {
    expect(new AdapterError("GONE", "gone")).toMatchObject({ retryable: true, retryAt: undefined });
    expect(new AdapterError("GONE", "gone", { retryable: false, retryAt: 5 })).toMatchObject({
      retryable: false,
      retryAt: 5,
    });
  });

  it("are known across two copies of the code", () => {
    const copy = Object.assign(new Error("x"), { [Symbol.for("watchkeeper.error")]: true });
    expect(isWatchkeeperError(copy)).toBe(true);
    for (const other of [new Error("x"), null, undefined, "text", 5]) {
      expect(isWatchkeeperError(other)).toBe(false);
    }
  });
});

describe("describeError", () => {
  const circle: { self?: unknown } = {};
  circle.self = circle;
  const endless = new Error("around");
  endless.cause = endless;
  const nested = new AggregateError([], "");
  nested.errors.push(nested);
  const refused = Object.assign(new Error("connect ECONNREFUSED 127.0.0.1:1"), {
    code: "ECONNREFUSED",
  });

  it.each<[string, unknown, string]>([
    ["an error", new Error("it broke"), "it broke"],
    ["its cause", new Error("no mail", { cause: new Error("refused") }), "no mail: refused"],
    ["a cause said already", new Error("a: b", { cause: new Error("b") }), "a: b"],
    ["the hint", new ConfigError("C", "wrong", { hint: "Mend it" }), "wrong. Mend it"],
    ["several at once", new AggregateError([refused]), "connect ECONNREFUSED 127.0.0.1:1"],
    ["a code without words", Object.assign(new Error(""), { code: "EPIPE" }), "EPIPE"],
    ["a name without words", new TypeError(), "TypeError"],
    ["several lines", new Error("one\n  two\tthree"), "one two three"],
    ["text", "just text", "just text"],
    ["an object", { status: 5 }, '{"status":5}'],
    ["nothing", undefined, "unknown error"],
    ["null", null, "unknown error"],
    ["a circle", circle, "something thrown that is not an error (object)"],
    ["a big number", 1n, "something thrown that is not an error (bigint)"],
    ["a function", () => 1, "function"],
    ["a cause that is itself", endless, "around"],
    ["several that hold themselves", nested, "unknown error"],
    ["a terminal's control codes", new Error("\u001b[2J\u001b]0;x\u0007bad"), "[2J]0;xbad"],
    [
      "a message that is no text",
      Object.assign(new Error(), { message: { a: 1 } }),
      "[object Object]",
    ],
  ])("says %s in one line", (_, thrown, line) => {
    expect(describeError(thrown)).toBe(line);
  });

  it("never shows a stack, is bounded, and goes four causes deep", () => {
    expect(describeError(new Error("x".repeat(9_000)))).toHaveLength(2_000);
    let chain = new Error("5");
    for (const message of ["4", "3", "2", "1"]) chain = new Error(message, { cause: chain });
    expect(describeError(chain)).toBe("1: 2: 3: 4");
  });

  it("survives what throws when it is looked at", () => {
    const trap = new Proxy(new Error("x"), {
      get() {
        throw new Error("no");
      },
    });
    expect(describeError(trap)).toBe("unknown error");
  });
});
