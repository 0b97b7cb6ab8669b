import { cp } from "node:fs/promises";
import { join } from "node:path";
import { temporaryFolder } from "./harness.ts";

/** What a process that is killed now leaves behind, in a folder of its own. */
export async function copyOf(folder: string) {
  const copy = await temporaryFolder();
  await cp(join(folder, "state"), join(copy.path, "state"), { recursive: true });
  return copy;
}
