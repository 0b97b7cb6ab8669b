import type { IncomingMessage } from "node:http";
import { plainText } from "../domain/plain-text.ts";
import type { LoadedPush, LoadedSkill } from "../skills/load.ts";
import { json, Refusal, type Answer } from "./answer.ts";
import { readBody } from "./body.ts";
import type { WebDependencies } from "./route.ts";
import { derivedPushKey, isSame } from "./token.ts";

/** `POST /push/NAME`: a job's word that it ran, well or not. */

export type PushTargets = ReadonlyMap<string, LoadedPush>;

/** As skills are promised. */
const longestText = 2_000;
/** A job may repeat itself when it is tried again, not more. */
const mostPerMinute = 30;
const minuteMs = 60_000;

/** The first skill that waits for a name gets its pushes. */
export function pushTargets(skills: readonly Pick<LoadedSkill, "pushes">[]): PushTargets {
  const targets = new Map<string, LoadedPush>();
  for (const push of skills.flatMap(({ pushes }) => pushes)) {
    if (!targets.has(push.name)) targets.set(push.name, push);
  }
  return targets;
}

export function createPushes({
  store,
  clock,
  stateDir,
  lookEarly,
  pushes,
}: Pick<WebDependencies, "store" | "clock" | "stateDir" | "lookEarly" | "pushes">) {
  const lately = new Map<string, number[]>();

  function refuseTooMany(name: string): void {
    const now = clock.now();
    const recent = (lately.get(name) ?? []).filter((at) => at > now - minuteMs && at <= now);
    const [first] = recent;
    if (first !== undefined && recent.length >= mostPerMinute) {
      const seconds = Math.ceil((first + minuteMs - now) / 1_000);
      throw new Refusal(429, `more than ${mostPerMinute} pushes of ${name} in a minute`, {
        "retry-after": String(seconds),
      });
    }
    lately.set(name, [...recent, now]);
  }

  return async function push(
    incoming: IncomingMessage,
    name: string,
    query: URLSearchParams,
    failed: boolean,
  ): Promise<Answer> {
    const target = pushes.get(name);
    // A name that is unknown takes the same way, so that nobody learns which there are.
    const derived = derivedPushKey(stateDir, name);
    const given = givenKey(incoming, query);
    const matches = isSame(given, target?.key ?? derived);
    if (!target || !matches || given === "") {
      throw new Refusal(401, "there is no push of that name and key", {
        "www-authenticate": 'Bearer realm="watchkeeper push"',
      });
    }
    const status = query.get("status");
    if (status !== null && status !== "ok" && status !== "fail") {
      throw new Refusal(400, "status must be ok or fail");
    }
    refuseTooMany(name);
    const text = plainText(await readBody(incoming), longestText);
    const ok = !failed && status !== "fail";
    await store.recordPush({ skill: target.skill, name, at: clock.now(), ok, text });
    lookEarly(target.check);
    return json({ name, ok });
  };
}

function givenKey({ headers }: IncomingMessage, query: URLSearchParams): string {
  const bearer = /^Bearer +(\S+)$/i.exec(headers.authorization ?? "")?.[1];
  return bearer ?? query.get("key") ?? "";
}
