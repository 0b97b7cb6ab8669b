import type { StoreReader } from "../../store/index.ts";
import { ownersZone } from "../owners-zone.ts";
import { shortTime } from "../text.ts";
import type { Candidate, ValueSource } from "./suggest.ts";

const most = 50;

/** What the store holds to choose from, the most likely first. Without a model, a config or a daemon. */
export async function valuesFrom(store: StoreReader, of: ValueSource): Promise<Candidate[]> {
  const limit = most;
  const now = Date.now();
  const timezone = await ownersZone(store);
  const time = (at: number) => shortTime(at, now, timezone);
  switch (of) {
    case "approvals":
      return (await store.listApprovals({ all: false, limit })).map(({ id, tool, reason }) =>
        candidate(id, `${tool}: ${reason}`),
      );
    case "beats":
      return (await store.listBeats({ limit })).map(({ id, startedAt, outcome }) =>
        candidate(id, `${time(startedAt)} ${outcome ?? "going on"}`),
      );
    case "runs":
      return (await store.listRuns({ limit })).map(({ id, startedAt, outcome }) =>
        candidate(id, `${time(startedAt)} ${outcome ?? "going on"}`),
      );
    case "findings":
      return (await store.listFindings({ all: false, limit })).map(({ id, severity, title }) =>
        candidate(id, `${severity}: ${title}`),
      );
    case "notes":
      return (await store.listMemories({ all: false, limit, now })).map(({ id, text }) =>
        candidate(id, text),
      );
    case "writes":
      return (await store.listStandingWrites({ limit })).map(({ id, tool, finishedAt }) =>
        candidate(id, finishedAt === null ? tool : `${time(finishedAt)} ${tool}`),
      );
    case "channels":
      return (await store.status()).channels.map(({ name }) => candidate(name, ""));
    case "skills":
      return (await skillsOf(store)).map((name) => candidate(name, ""));
    case "checks": {
      const { checks } = await store.status();
      const enabled = checks.filter((check) => check.enabled);
      return [
        ...enabled.map(({ name, schedule }) => candidate(name, schedule)),
        ...(await skillsOf(store)).map((name) => candidate(name, "all of its checks")),
      ];
    }
  }
}

const candidate = (word: number | string, description: string): Candidate => ({
  word: String(word),
  description,
});

async function skillsOf(store: StoreReader): Promise<string[]> {
  const { checks } = await store.status();
  return [...new Set(checks.filter(({ enabled }) => enabled).map(({ skill }) => skill))];
}
