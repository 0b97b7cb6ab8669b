import type { ObservationInput } from "watchkeeper";
import { cleanLine } from "./plain-text.ts";

/** A folder that could not be looked at while others of its account could. */
export interface FolderTrouble {
  readonly folder: string;
  /** In a row, with this one. */
  readonly failures: number;
  readonly code: string;
  readonly reason: string;
}

/** What does not pass by itself is told at once, anything else when it goes on. */
const lasting = new Set(["IMAP_FOLDER_MISSING", "MAILDIR_MISSING", "MAILDIR_UNREADABLE"]);
const patience = 3;

export const isTelling = ({ code, failures }: FolderTrouble): boolean =>
  lasting.has(code) || failures >= patience;

export const folderKey = (folder: string): string => `folder:${folder}`;

export function observeFolderTrouble(
  account: string,
  { folder, code, reason }: FolderTrouble,
): ObservationInput {
  return {
    key: folderKey(folder),
    severity: "warning",
    // What a server answers is in the reason.
    trust: "untrusted",
    title: cleanLine(`The folder ${folder} of ${account} cannot be looked at`, 200),
    text: [
      cleanLine(reason, 500),
      "Mail in it goes unseen. If it was renamed or deleted, correct `folders` in the inbox account; what came in the meantime is found then.",
    ].join("\n"),
    fingerprint: code || "failed",
  };
}
