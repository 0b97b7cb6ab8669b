import { expect, it } from "vitest";
import { channelsSchema, inWrittenOrder, type ChannelSettings } from "../config/channels.ts";
import { FakeClock } from "../testing/fake-clock.ts";
import { openChannels } from "./channel.ts";

const slack = { url: "https://hooks.example/services/T0/B0/x" };
const ntfy = { server: "https://ntfy.example", topic: "watch" };

function open(written: Record<string, unknown>) {
  const configured: ChannelSettings = inWrittenOrder(channelsSchema.parse(written), written);
  const opened = openChannels(configured, {
    print: () => undefined,
    warn: () => undefined,
    ...{ timezone: "UTC", clock: new FakeClock(), baseDir: "/" },
    ...{ origin: "wk0.host.example", processBasics: {} },
  });
  const summary = opened.map(({ channel, use, severity }) => [channel.name, use, severity]);
  return { opened, summary };
}

it("opens what is configured in the owner's order, with what is wanted of each", () => {
  const { summary } = open({ slack, ntfy: { ...ntfy, severity: "warning" }, terminal: {} });
  expect(summary).toEqual([
    ["slack", "always", "info"],
    ["ntfy", "always", "warning"],
    ["terminal", "always", "info"],
  ]);
});

it("knows every channel", () => {
  const every = {
    command: { run: ["true"] },
    webhook: { url: "https://a.example", secret: "a sentence that is long enough" },
    telegram: { token: "1:a", chatId: 1 },
    ...{ slack, ntfy, terminal: {} },
    email: { smtp: { host: "a" }, from: "a@a.example", to: "b@a.example" },
  };
  expect(open(every).opened.map(({ channel }) => channel.name)).toEqual(Object.keys(every));
});

it("opens nothing where nothing is configured: the outbox has a last resort", () => {
  expect(open({}).opened).toEqual([]);
});
