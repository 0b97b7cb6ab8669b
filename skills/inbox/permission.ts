import { AdapterError, type SkillLog } from "watchkeeper";
import type { KeptToken } from "./kept-token.ts";
import type { GivenToken } from "./oauth2-request.ts";

/** What the owner's refresh token stands for, and those that a provider gives in its place. */
export interface Permission {
  /** One at a time: two at once would use up a refresh token that is good for one time only. */
  use(request: (refreshToken: string) => Promise<GivenToken>): Promise<GivenToken>;
}

/**
 * Uses the newest refresh token that is known. One that is refused is passed over for an older one: a
 * provider that leaves old ones good still lets the owner in.
 */
export function createPermission(ownersToken: string, kept: KeptToken, log: SkillLog): Permission {
  let newest = ownersToken;
  let isKept = true;
  let turn: Promise<unknown> = Promise.resolve();

  async function keep(refreshToken: string): Promise<void> {
    newest = refreshToken;
    try {
      await kept.write(refreshToken);
      isKept = true;
    } catch (error) {
      isKept = false;
      const reason = error instanceof Error ? error.message : String(error);
      log.warn("the provider's new refresh token is not kept and ends with this process", {
        reason,
      });
    }
  }

  async function useNewest(request: (token: string) => Promise<GivenToken>): Promise<GivenToken> {
    const refused = new Set<string>();
    for (let refusal: unknown; ;) {
      // Another process, such as a command, may have used the newest and kept the one after it.
      const first = (isKept ? await kept.read() : undefined) ?? newest;
      const candidates = [first, newest, ownersToken];
      const refreshToken = candidates.find((token) => !refused.has(token));
      if (refreshToken === undefined) throw refusal;
      try {
        const given = await request(refreshToken);
        const next = given.refreshToken ?? refreshToken;
        if (next === first && isKept) newest = next;
        else await keep(next);
        return given;
      } catch (error) {
        if (!(error instanceof AdapterError) || error.code !== "OAUTH2_REFUSED") throw error;
        refusal = error;
        refused.add(refreshToken);
      }
    }
  }

  return {
    use(request) {
      const used = turn.then(() => useNewest(request));
      turn = used.catch(() => undefined);
      return used;
    },
  };
}
