import { liveOneBeat } from "./crash-life.ts";

/**
 * One beat with its run in a process of its own, which ends itself with SIGKILL at the given write to
 * the store: `crash-child FOLDER MODEL_URL NUMBER before|after`. Number 0 kills nothing. Prints the
 * names of all writes, in their order.
 */
const [folder = "", modelUrl = "", number = "0", killWhen = "before"] = process.argv.slice(2);
const life = await liveOneBeat({
  ...{ folder, modelUrl },
  meet(write, when) {
    if (write === Number(number) && when === killWhen) process.kill(process.pid, "SIGKILL");
  },
});
process.stdout.write(JSON.stringify(life));
