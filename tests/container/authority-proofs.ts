import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { runOnce } from "./container.ts";
import type { Scene } from "./prove.ts";
import { openSmallWatch } from "./small-watch.ts";

/** A server whose certificate no public authority has signed. */
export async function authorityProofs({ setting, prove }: Scene): Promise<void> {
  await using stack = new AsyncDisposableStack();
  await prove("an authority of your own is trusted once NODE_EXTRA_CA_CERTS names it", async () => {
    const server = createServer((_request, response) => void response.end("open"));
    stack.defer(() => void server.close());
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const url = `https://localhost:${(server.address() as AddressInfo).port}/`;
    const watch = stack.use(await openSmallWatch({ setting, name: "authority", url }));
    const key = join(watch.configDir, "..", "key.pem");
    const certificate = join(watch.configDir, "authority.pem");
    execFileSync(
      "openssl",
      [
        ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"],
        ...["-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"],
        ...["-keyout", key, "-out", certificate],
      ],
      { stdio: "pipe" },
    );
    server.setSecureContext({ key: await readFile(key), cert: await readFile(certificate) });

    const openAfterBeat = async (...flags: string[]): Promise<{ title: string }[]> => {
      const named = { ...watch.setting, flags: [...watch.setting.flags, ...flags] };
      const beat = await runOnce(named, "beat", "--json");
      assert.equal(beat.exitCode, 0, beat.stderr);
      const { stdout } = await runOnce(named, "findings", "--json");
      return JSON.parse(stdout) as { title: string }[];
    };
    const without = await openAfterBeat();
    assert.equal(without.length, 1);
    assert.match(without[0]?.title ?? "", /certificate/);
    const flag = "NODE_EXTRA_CA_CERTS=/config/authority.pem";
    assert.deepEqual(await openAfterBeat("--env", flag), []);
    return `without it: ${without[0]?.title ?? ""}`;
  });
}
