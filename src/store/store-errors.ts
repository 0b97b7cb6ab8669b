import { describeError, StoreError } from "../domain/errors.ts";

/** What SQLite throws, as errors of ours with the mend. */

/** What is on the disk may be all that is left: nobody writes to it. */
export const restoreHint =
  "Nothing more is written to it: put a backup in its place with `watchkeeper db restore FILE`";

const ownership =
  "See that the file and its directory belong to the user that runs watchkeeper, and that their disk can be written";

/** Turns SQLite's errors into ours, with the mend. */
export function asStoreError(cause: unknown, path: string): StoreError {
  if (cause instanceof StoreError) return cause;
  const code = codeOf(cause);
  if (code.startsWith("SQLITE_CORRUPT") || code.startsWith("SQLITE_NOTADB")) {
    return damaged(path, cause);
  }
  if (code.startsWith("SQLITE_FULL")) {
    return new StoreError("DISK_FULL", `no space left to write ${path}`, {
      cause,
      hint: "Free some space; what was saved before is safe",
    });
  }
  if (code.startsWith("SQLITE_READONLY")) {
    return new StoreError("DATABASE_UNWRITABLE", `cannot write ${path}`, {
      cause,
      hint: ownership,
    });
  }
  if (code.startsWith("SQLITE_CANTOPEN") || code === "EACCES") {
    return new StoreError("DATABASE_UNWRITABLE", `cannot open ${path}`, { cause, hint: ownership });
  }
  return new StoreError("DATABASE_FAILED", `the database failed: ${describeError(cause)}`, {
    cause,
    hint: `See that ${path} is an ordinary file on a disk that works`,
  });
}

/** The file has lost something. */
export const damaged = (path: string, cause: unknown): StoreError =>
  new StoreError("DATABASE_DAMAGED", `${path} is damaged`, { cause, hint: restoreHint });

/** Whether the store as a whole cannot be written or read, and not only what it was just given. */
export const isStoreFault = (error: unknown): boolean =>
  /^SQLITE_(?:FULL|READONLY|IOERR|CANTOPEN|CORRUPT|NOTADB)/.test(codeOf(error));

/** What a store stands on: files that may be damaged, or be taken from under it. */
export interface Footing {
  /** Why nothing may be read or written any more, or null. Asked before every call. */
  readonly whyLost: () => StoreError | null;
  /** Told of each {@link isStoreFault}. */
  readonly met: (error: StoreError) => void;
  /** Before the store lets go of its connection. */
  readonly closing: () => void;
}

const firm: Footing = { whyLost: () => null, met: () => undefined, closing: () => undefined };

/** Gives the methods of a port so that what SQLite throws comes out with our code and the mend. */
export function withStoreErrors<Port extends AsyncDisposable>(
  port: Port,
  path: string,
  footing: Footing = firm,
): Port {
  const guarded = { ...port };
  for (const key of Reflect.ownKeys(port) as (keyof Port)[]) {
    const method = port[key] as (...args: unknown[]) => Promise<unknown>;
    const guard = async (...args: unknown[]): Promise<unknown> => {
      if (key === Symbol.asyncDispose) footing.closing();
      else {
        const lost = footing.whyLost();
        if (lost) throw lost;
      }
      try {
        return await method(...args);
      } catch (error) {
        // Anything else is a bug of ours and stays what it is.
        if (!codeOf(error).startsWith("SQLITE_")) throw error;
        const known = asStoreError(error, path);
        if (isStoreFault(error)) footing.met(known);
        throw known;
      }
    };
    guarded[key] = guard as Port[keyof Port];
  }
  return guarded;
}

/** SQLite's own code, which the query builder may have wrapped. */
export function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return "";
  return "code" in error && typeof error.code === "string" ? error.code : codeOf(error.cause);
}
