/** What becomes of a tool call. Code decides; the model has no say in it. */

/** What a tool does to the world: nothing, the owner's own data (with an undo), somebody else, or for good. */
export type ToolEffect = "read" | "write" | "send" | "destroy";

export interface Decision {
  readonly decision: "allow" | "ask" | "deny";
  /** For the owner, and for the model as the call's result. */
  readonly reason: string;
}

/** Reading is allowed. Nothing else is carried out until an owner can be asked for it. */
export function decideToolCall(effect: ToolEffect): Decision {
  return effect === "read"
    ? { decision: "allow", reason: "reading is allowed" }
    : {
        decision: "deny",
        reason: `not done: "${effect}" needs the owner's approval, and this version cannot ask for it yet`,
      };
}
