import { tmpdir } from "node:os";
import { join } from "node:path";

/** Where the program's processes keep their compiled code: shared, so that all but the first start fast. */
export const sharedCache = join(tmpdir(), "watchkeeper-test-cache");
