/** `connecting` at first, `ready` with its tools, `failed` while it is waited for. */
export const toolServerStates = ["connecting", "ready", "failed"] as const;

export type ToolServerState = (typeof toolServerStates)[number];

/** Findings about tools that are withheld and servers that are away. */
export const toolsCheck = "watchkeeper/tools";
