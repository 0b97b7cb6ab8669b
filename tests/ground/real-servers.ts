import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** A program that some tests run against, and the Debian package that brings it. */
interface RealServer {
  readonly program: string;
  readonly package: string;
}

const realServers: readonly RealServer[] = [
  { program: "dovecot", package: "dovecot-imapd" },
  { program: "radicale", package: "radicale" },
  { program: "openssl", package: "openssl" },
  { program: "sqlite3", package: "sqlite3" },
  { program: "ping", package: "iputils-ping" },
  { program: "zsh", package: "zsh" },
  { program: "fish", package: "fish" },
  { program: "systemd-analyze", package: "systemd" },
  { program: "systemd-notify", package: "systemd" },
  { program: "python3", package: "python3" },
];

/** Where Debian puts servers; not on every user's path. */
const serverFolders = ["/usr/sbin", "/usr/local/sbin"];

/** What to say before a test run about the servers that are not there, or undefined when all are. */
export function describeMissing(missing: readonly RealServer[]): string | undefined {
  if (missing.length === 0) return undefined;
  const programs = missing.map((server) => server.program).join(", ");
  const packages = missing.map((server) => server.package).join(" ");
  return `Left out: the tests against ${programs}. To run them too: apt-get install ${packages}`;
}

export function missingServers(path: string): RealServer[] {
  const folders = [...path.split(delimiter), ...serverFolders];
  return realServers.filter(
    ({ program }) => !folders.some((folder) => isExecutable(join(folder, program))),
  );
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
