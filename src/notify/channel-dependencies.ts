import { hostname } from "node:os";
import type { ResolvedConfig } from "../config/load.ts";
import { processBasics } from "../config/process-basics.ts";
import { mailSignature } from "../domain/mail-signature.ts";
import type { ChannelDependencies } from "./channel.ts";
import { watchOrigin } from "./delivery-id.ts";

/** What channels are given, in the daemon and in a command that tries them. */
export const channelDependencies = (
  { timezone, baseDir }: ResolvedConfig,
  {
    stateDir,
    wordSecret,
    ...given
  }: Pick<ChannelDependencies, "print" | "warn" | "clock"> & {
    readonly stateDir: string;
    readonly wordSecret: string | null;
  },
): ChannelDependencies => ({
  ...given,
  timezone,
  baseDir,
  origin: watchOrigin(stateDir, hostname()),
  processBasics: processBasics(),
  ...(wordSecret !== null && { signMail: (mail) => mailSignature(wordSecret, mail) }),
});
