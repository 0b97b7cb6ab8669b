import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/**
 * A process that mostly sleeps never fills its heap fast enough for V8 to tidy up, and grows to
 * twice what it needs. Collecting once in many beats, while nothing else is to be done, keeps it flat.
 * @returns to be called after each beat
 */
export function createMemoryTidier(everyBeats = 10): () => void {
  let collect: ((options: { type: "major"; execution: "async" }) => unknown) | undefined;
  let beats = 0;
  return () => {
    beats += 1;
    if (beats % everyBeats !== 0) return;
    if (!collect) {
      setFlagsFromString("--expose-gc");
      collect = runInNewContext("gc") as typeof collect;
    }
    void collect?.({ type: "major", execution: "async" });
  };
}
