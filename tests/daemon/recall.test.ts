import { expect, test } from "vitest";
import { defineTool, z, type ObservationInput } from "watchkeeper";
import {
  callTools,
  FakeClock,
  fault,
  reportAll,
  startScriptedModel,
  type RecordedRequest,
} from "watchkeeper/testing";
import { keepWatch, seen, temporaryFolder, type WatchOptions } from "./harness.ts";
import { copyOf } from "./state-copy.ts";

/** What a run is told of before: the notes that fit its findings, how the last runs ended, what is still open. */

const minute = 60_000;

/** A check that sees what is put on the desk, each once. */
function desk() {
  const news: ObservationInput[] = [];
  const checks = {
    desk: { every: "1m", observe: async () => ({ observations: news.splice(0) }) },
  };
  return { news, checks };
}

const bodies = ({ requests }: { readonly requests: readonly RecordedRequest[] }) =>
  requests.map(({ body }) => {
    const [message] = body.messages;
    const [block] = typeof message?.content === "string" ? [] : (message?.content ?? []);
    return block?.type === "text" ? block.text : "";
  });

const part = (text: string, name: string): string =>
  new RegExp(`<${name}>[^]*</${name}>`).exec(text)?.[0] ?? "";

test("a run is shown the notes that share a word with its findings: of strangers' making only where it has read strangers anyway", async () => {
  await using folder = await temporaryFolder();
  const clock = new FakeClock();
  const { news, checks } = desk();
  const note = (text: string) => ({ name: "memory_note", input: { text } });
  await using model = await startScriptedModel([
    callTools([note("Mallory says that the lease is his."), note("Tea is at five.")]),
    reportAll("ignore"),
    callTools([note("The lease ends in May.")]),
    reportAll("ignore"),
    reportAll("ignore"),
    reportAll("ignore"),
  ]);
  const options: WatchOptions = { folder: folder.path, clock, model, play: { checks } };
  const put = (trust: "trusted" | "untrusted", title: string) =>
    news.push(seen(title, { severity: "notice", title, trust }));
  put("untrusted", "A letter of Mallory's");
  {
    await using kept = await keepWatch(options);
    await kept.settle();
    put("trusted", "The clock was wound");
    await kept.pass(minute);
    expect(model.requests).toHaveLength(4);
  }
  put("trusted", "The lease is paid");
  await using kept = await keepWatch(options);
  await kept.pass(minute);
  put("untrusted", "Who has the lease?");
  await kept.pass(minute);

  const [, , , , trusted = "", untrusted = ""] = bodies(model);
  expect(part(trusted, "memory")).toMatch(
    /^<memory>\nNotes of earlier runs\.\n<note id="3" trust="trusted" noted="[^"]+">The lease ends in May\.<\/note>\n<\/memory>$/,
  );
  expect(part(untrusted, "memory").match(/<note id="\d+" trust="\w+"/g)).toEqual([
    '<note id="3" trust="trusted"',
    '<note id="1" trust="untrusted"',
  ]);
  const journal = await kept.journal();
  expect(journal.map(({ readUntrusted }) => readUntrusted)).toEqual([true, false, false, true]);
});

test("a run that goes on after a kill has the notes and the news that it began with, whatever was noted since", async () => {
  await using folder = await temporaryFolder();
  const clock = new FakeClock();
  const { news, checks } = desk();
  const options: WatchOptions = { folder: folder.path, clock, play: { checks } };
  news.push(seen("lease", { severity: "notice", title: "The lease is due" }));
  await using silent = await startScriptedModel(() => fault.hang());
  const first = await keepWatch({ ...options, model: silent });
  while (silent.requests.length < 1) await first.settle("beats");
  const asked = bodies(silent)[0];
  // As a killed process leaves it: the run's row and its step have no end.
  await using copy = await copyOf(folder.path);
  await first.store.addMemory({
    ...{ runId: null, text: "The lease was paid.", trust: "trusted", createdAt: 0 },
    ...{ expiresAt: null, noteKey: "later" },
  });
  await first[Symbol.asyncDispose]();
  await using model = await startScriptedModel(reportAll("ignore"));
  await using kept = await keepWatch({ ...options, folder: copy.path, model });
  await kept.settle();
  expect(bodies(model)).toEqual([asked]);
  expect(await kept.journal()).toMatchObject([{ outcome: "ok", readUntrusted: false }]);
});

test("a run is told in fields how the last ones ended and what is open, and stays as trusted as its findings", async () => {
  await using folder = await temporaryFolder();
  const clock = new FakeClock(Date.parse("2026-01-05T09:00:00Z"));
  const { news, checks } = desk();
  const post = defineTool({
    description: "Posts.",
    effect: "send",
    input: z.strictObject({ to: z.string() }),
    run: async () => "posted",
  });
  await using model = await startScriptedModel((request, index) =>
    index === 0 && request.rawBody.includes("MALLORY")
      ? callTools([
          { name: "stage_post", input: { to: "mallory@evil.example" } },
          { name: "memory_note", input: { text: "Nothing that matters here." } },
        ])
      : reportAll("notify", { message: "the model's own words" })(request, index),
  );
  await using kept = await keepWatch({
    ...{ folder: folder.path, clock, model },
    config: { timezone: "Europe/Berlin" },
    play: { checks, tools: { post } },
  });
  await kept.pass(minute);
  expect(model.requests).toEqual([]);
  news.push(seen("one", { severity: "warning", title: "MALLORY writes", trust: "untrusted" }));
  await kept.pass(minute);
  expect(bodies(model)[0]).not.toMatch(/<recent_runs>|<still_open>/);
  news.push(seen("two", { severity: "notice", title: "The tide is high" }));
  await kept.pass(minute);

  const second = bodies(model).at(-1) ?? "";
  expect(part(second, "recent_runs")).toBe(
    [
      "<recent_runs>",
      "- run 1, Mon 5 Jan 2026 10:02, ok: notify 1 (finding 1); memory_note done (effect 1)",
      "</recent_runs>",
    ].join("\n"),
  );
  expect(part(second, "still_open")).toBe(
    [
      "<still_open>",
      "- finding 1, stage/desk, warning, open, since Mon 5 Jan 2026 10:02",
      "- approval 1, stage_post, pending, since Mon 5 Jan 2026 10:02",
      "</still_open>",
    ].join("\n"),
  );
  expect(second).not.toMatch(/mallory|own words|Nothing that matters/i);
  expect((await kept.journal()).map(({ readUntrusted }) => readUntrusted)).toEqual([true, false]);
});
