import { packageInfo } from "../../src/config/package.ts";
import { today, usualRetention } from "../../src/store/prune-fixture.ts";
import { openStore, prune, type Store } from "../../src/store/index.ts";

/**
 * Prunes a store, and ends itself with SIGKILL at the given slice, before or after it:
 * `prune-child STATE NUMBER before|after`. Number 0 kills nothing. Prints how many slices there were.
 */
const [stateDir = "", number = "0", when = "before"] = process.argv.slice(2);
let slices = 0;

await using store = openStore({ stateDir, migrationsDir: packageInfo().migrationsDir });
const pruned: Pick<Store, "pruneBounds" | "pruneSlice"> = {
  pruneBounds: (cutoffs) => store.pruneBounds(cutoffs),
  async pruneSlice(slice) {
    slices += 1;
    const isHere = slices === Number(number);
    if (isHere && when === "before") process.kill(process.pid, "SIGKILL");
    const result = await store.pruneSlice(slice);
    if (isHere) process.kill(process.pid, "SIGKILL");
    return result;
  },
};
await prune(pruned, { retention: usualRetention, now: today, pause: () => Promise.resolve() });
process.stdout.write(String(slices));
