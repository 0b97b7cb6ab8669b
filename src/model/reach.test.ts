import { expect, it } from "vitest";
import {
  jsonAnswer,
  startHttpReceiver,
  type Behaviour,
} from "../../tests/servers/http-receiver.ts";
import { FakeClock } from "../testing/fake-clock.ts";
import { reachModel } from "./reach.ts";

const apiKey = "sk-test-0123456789";
const model = "claude-sonnet-5-5";
const never = new AbortController().signal;

async function reachAt(how: Behaviour, key: string | undefined = apiKey) {
  await using server = await startHttpReceiver();
  server.behave(how);
  const reach = await reachModel({ model, apiKey: key, baseUrl: server.origin }, never);
  return { reach, requests: server.requests };
}

it("a model that stands in its provider's list is known, and costs nothing", async () => {
  const { reach, requests } = await reachAt(jsonAnswer(200, { id: model, type: "model" }));
  expect(reach).toBe("known");
  expect(requests).toMatchObject([
    { method: "GET", path: `/v1/models/${model}`, headers: { authorization: `Bearer ${apiKey}` } },
  ]);
});

it.each<[string, Behaviour]>([
  ["that has no such list", { status: 404, body: "404 page not found" }],
  ["that answers with something else", jsonAnswer(200, { hello: true })],
])("a server of one's own %s answers, and no more is known", async (_what, how) => {
  expect((await reachAt(how)).reach).toBe("answers");
  expect((await reachAt(how, undefined)).reach).toBe("answers");
});

it.each<[string, Behaviour]>([
  ["auth", jsonAnswer(401, { error: { type: "authentication_error", message: `no ${apiKey}` } })],
  ["overloaded", { status: 529 }],
  ["unreachable", "cut"],
])("what fails is told by its kind, without the key: %s", async (kind, how) => {
  const { reach } = await reachAt(how);
  expect(reach).toMatchObject({ kind });
  expect(JSON.stringify(reach)).not.toContain(apiKey);
});

it("a server that never answers is given up in time", async () => {
  await using server = await startHttpReceiver();
  server.behave("hang");
  const clock = new FakeClock();
  const reaching = reachModel({ model, apiKey, baseUrl: server.origin, clock }, never);
  await server.arrived(1);
  await clock.advance(20_000);
  expect(await reaching).toMatchObject({ kind: "timeout" });
});

it("without a key nobody is asked", async () => {
  expect(await reachModel({ model, apiKey: undefined }, never)).toMatchObject({ kind: "auth" });
});
