/**
 * The wire shapes of the Messages API, as far as the daemon uses them. They are written out because
 * the client's own types are not installed with the package.
 */

interface Cached {
  readonly cache_control?: { readonly type: "ephemeral"; readonly ttl?: "5m" | "1h" } | null;
}

/** A block of a message as the daemon sends it. */
export type RequestBlock =
  | ({ readonly type: "text"; readonly text: string } & Cached)
  | ({
      readonly type: "tool_use";
      readonly id: string;
      readonly name: string;
      readonly input: unknown;
    } & Cached)
  | ({
      readonly type: "tool_result";
      readonly tool_use_id: string;
      readonly content?: string | readonly RequestBlock[];
      readonly is_error?: boolean;
    } & Cached)
  | { readonly type: "thinking"; readonly thinking: string; readonly signature: string };

export interface RequestMessage {
  readonly role: "user" | "assistant";
  readonly content: string | readonly RequestBlock[];
}

/** The body of one request. */
export interface RequestBody {
  readonly model: string;
  readonly max_tokens: number;
  readonly stream?: boolean;
  readonly system?: string | readonly ({ readonly type: "text"; readonly text: string } & Cached)[];
  readonly messages: readonly RequestMessage[];
  readonly tools?: readonly ({
    readonly name: string;
    readonly description?: string;
    readonly input_schema: Readonly<Record<string, unknown>>;
  } & Cached)[];
  readonly tool_choice?: { readonly type: string; readonly name?: string };
}
