import type { ToolEffect } from "./policy.ts";

/** What an effect does to the world, for a person who is to decide about it. */
export const effectWords: Readonly<Record<ToolEffect, string>> = {
  read: "it only reads",
  write: "it changes something of yours",
  send: "it reaches somebody or something else",
  destroy: "it cannot be undone",
};
