import { join } from "node:path";
import { wordSecretFile } from "../notify/word-secret.ts";
import { notificationMail } from "../effects/notification-mail.ts";
import { noNotificationMail, type NotificationMail } from "../skills/notification-mail.ts";
import { readSecretFile } from "../store/secret-file.ts";

/** For commands that look and change nothing: they know the daemon's own mail, and take no answers. */
export function knownMail(stateDir: string): NotificationMail {
  const secret = knownWordSecret(stateDir);
  return secret === null ? noNotificationMail : notificationMail({ secret, answers: undefined });
}

/** Null before the first start, and when it cannot be used, which the daemon says. */
export function knownWordSecret(stateDir: string): string | null {
  try {
    return readSecretFile(join(stateDir, wordSecretFile)) ?? null;
  } catch {
    return null;
  }
}
