import { afterEach, describe, expect, it } from "vitest";
import { probedTargetOf, probeOnce } from "../services-fixture.ts";
import { closeNameServers, records, startNameServer, wireName } from "./name-server-fixture.ts";

afterEach(closeNameServers);

const probe = (server: string, dns: Record<string, unknown>, timeoutMs = 20_000) =>
  probeOnce(probedTargetOf({ dns: { name: "example.com", server, ...dns } }), { timeoutMs });

describe("a dns probe", () => {
  it.each([
    ["A", undefined, [Buffer.from([192, 0, 2, 1]), Buffer.from([192, 0, 2, 2])], "2 A records"],
    ["A", ["192.0.2.2"], [Buffer.from([192, 0, 2, 1]), Buffer.from([192, 0, 2, 2])], "2 A records"],
    [
      "AAAA",
      "2001:DB8:0::1",
      [Buffer.from("20010db8000000000000000000000001", "hex")],
      "1 AAAA record",
    ],
    [
      "MX",
      "10 MAIL.example.com.",
      [Buffer.concat([Buffer.from([0, 10]), wireName("mail.example.com")])],
      "1 MX record",
    ],
    ["CNAME", "www.example.net", [wireName("www.example.net")], "1 CNAME record"],
    ["TXT", "v=spf1 -all", [Buffer.from("\u0006v=spf1\u0005 -all")], "1 TXT record"],
    [
      "SRV",
      "1 2 443 a.example.com",
      [Buffer.concat([Buffer.from([0, 1, 0, 2, 1, 187]), wireName("a.example.com")])],
      "1 SRV record",
    ],
  ])("finds %s %o", async (type, expected, data, detail) => {
    const server = await startNameServer(() => records(...data));
    const result = await probe(server, { type, ...(expected && { expect: expected }) });
    expect(result).toMatchObject({ ok: true, detail });
  });

  it("names a record that is missing, and nothing of what is there", async () => {
    const server = await startNameServer(() => records(Buffer.from("\u0006ignore")));
    expect(await probe(server, { type: "TXT", expect: "v=spf1 -all" })).toMatchObject({
      ok: false,
      fault: "down",
      reason: "TXT of example.com has no record v=spf1 -all",
    });
  });

  it.each([
    [3, "no such domain (A of example.com)"],
    [2, "name server failed (A of example.com)"],
    [5, "name server refused (A of example.com)"],
    [0, "no such record (A of example.com)"],
  ])("names an answer with code %i and no record", async (code, reason) => {
    const server = await startNameServer(() => ({ code, records: [] }));
    expect(await probe(server, {})).toMatchObject({ ok: false, fault: "down", reason });
  });

  it("gives up in time on a server that does not answer", async () => {
    const server = await startNameServer(() => "silence");
    const started = performance.now();
    const result = await probe(server, {}, 200);
    expect(result).toMatchObject({ ok: false, fault: "down" });
    expect(result.ok ? "" : result.reason).toMatch(/timed out after 200ms|did not answer/);
    expect(performance.now() - started).toBeLessThan(5_000);
  });
});
