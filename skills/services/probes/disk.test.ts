import { statfs } from "node:fs/promises";
import { tmpdir } from "node:os";
import { describe, expect, it } from "vitest";
import { probedTargetOf, probeOnce } from "../services-fixture.ts";

const probe = (disk: Record<string, unknown>) => probeOnce(probedTargetOf({ disk }));

describe("a disk probe", () => {
  it("measures what the system says is free", async () => {
    const { bavail, bsize, blocks, bfree } = await statfs(tmpdir());
    const free = (bavail * bsize) / ((blocks - bfree + bavail) * bsize);
    const result = await probe({ path: tmpdir(), minFree: "0%" });
    expect(result).toMatchObject({ ok: true });
    const [, said] =
      /^\d+(?:\.\d)? [KMGT]?B of .* free \((\d+(?:\.\d)?) %\)$/.exec(
        result.ok ? result.detail : "",
      ) ?? [];
    expect(Math.abs(Number(said) - free * 100)).toBeLessThan(2);
  });

  it("says how little is left", async () => {
    expect(await probe({ path: tmpdir(), minFree: "1000TB" })).toMatchObject({
      ok: false,
      fault: "down",
      reason: expect.stringMatching(/^\d.* of \d.* free \(.* %\), less than 1000 TB$/),
    });
    const full = await probe({ path: tmpdir(), maxUsed: "0%" });
    expect(full.ok ? "" : full.reason).toMatch(/, less than 100 %$/);
  });

  it("starts a relative path at the config's folder, and names one that is not there", async () => {
    expect(await probe({ path: "." })).toHaveProperty("ok");
    expect(await probe({ path: "./not-there" })).toMatchObject({
      ok: false,
      reason: "there is no such path",
    });
  });
});
