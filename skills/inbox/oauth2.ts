import type { SkillLog } from "watchkeeper";
import type { OAuth2Settings } from "./config.ts";
import { keptTokenFile, permissionKey } from "./kept-token.ts";
import { type GivenToken, requestToken } from "./oauth2-request.ts";
import { createPermission, type Permission } from "./permission.ts";

/** Access tokens for servers that take no passwords (XOAUTH2), got with the owner's refresh token. */

export interface TokenSource {
  /**
   * A token that is good by all that is known.
   * @param refused the one that a server would not take: another is got, unless one was got since
   * @throws AdapterError OAUTH2_…; what `signal` was aborted with
   */
  token(signal: AbortSignal, refused?: string): Promise<string>;
  /** Tokens that were got of late, to take them out of error texts. */
  recent(): readonly string[];
  /** When the refresh token ends, where the provider has said so. */
  refreshEndsAt(): number | undefined;
}

export type TokenSources = (settings: OAuth2Settings) => TokenSource;

interface Dependencies {
  readonly stateDir: string;
  readonly log: SkillLog;
}

/** A token is used no longer than until shortly before its end. */
const marginMs = 60_000;
const mostRecent = 5;

/**
 * Check, tools and the waiting connection share the tokens of a login; logins that differ only in what
 * they may do (`scope`) share the refresh token.
 */
export function createTokenSources({ stateDir, log }: Dependencies): TokenSources {
  const permissions = new Map<string, Permission>();
  const sources = new Map<string, TokenSource>();
  return (settings) => {
    const key = permissionKey(settings);
    const permission =
      permissions.get(key) ??
      createPermission(settings.refreshToken, keptTokenFile(stateDir, key), log);
    permissions.set(key, permission);
    const name = JSON.stringify([key, settings.clientSecret, settings.scope]);
    const source = sources.get(name) ?? createSource(settings, permission);
    sources.set(name, source);
    return source;
  };
}

function createSource(settings: OAuth2Settings, permission: Permission): TokenSource {
  let current: GivenToken | undefined;
  let recent: readonly string[] = [];
  let getting: Promise<GivenToken> | undefined;
  const get = () =>
    permission
      .use((refreshToken) => requestToken(settings, refreshToken))
      .then((given) => {
        current = given;
        recent = [given.value, ...recent].slice(0, mostRecent);
        return given;
      })
      .finally(() => {
        getting = undefined;
      });
  return {
    recent: () => recent,
    refreshEndsAt: () => current?.refreshEndsAt,
    async token(signal, refused) {
      signal.throwIfAborted();
      if (
        current !== undefined &&
        current.value !== refused &&
        Date.now() < current.expiresAt - marginMs
      )
        return current.value;
      getting ??= get();
      return (await unlessAborted(getting, signal)).value;
    },
  };
}

/** Whoever waits may leave; what is waited for goes on. */
async function unlessAborted<Value>(work: Promise<Value>, signal: AbortSignal): Promise<Value> {
  const left = Promise.withResolvers<never>();
  const leave = () => left.reject(signal.reason as Error);
  signal.addEventListener("abort", leave, { once: true });
  try {
    return await Promise.race([work, left.promise]);
  } finally {
    signal.removeEventListener("abort", leave);
  }
}
