import { expect, it } from "vitest";
import { decideToolCall, type ToolEffect } from "./policy.ts";

it("allows reading", () => {
  expect(decideToolCall("read")).toEqual({ decision: "allow", reason: "reading is allowed" });
});

it.each(["write", "send", "destroy", undefined, "READ", "read "])(
  "denies %s, and says that it was not done",
  (effect) => {
    expect(decideToolCall(effect as ToolEffect)).toEqual({
      decision: "deny",
      reason: expect.stringMatching(/^not done: .*owner's approval/),
    });
  },
);
