import { BlockList, isIP } from "node:net";
import type { HostFinder } from "./resolve-host.ts";

/** Which addresses are on this machine or in the owner's own network. */

const inside = new BlockList();
for (const [net, prefix] of [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.168.0.0", 16],
] as const) {
  inside.addSubnet(net, prefix, "ipv4");
}
for (const [net, prefix] of [
  ["::", 127],
  ["fc00::", 7],
  ["fe80::", 10],
] as const) {
  inside.addSubnet(net, prefix, "ipv6");
}

/** Loopback, private and link-local addresses, also those of IPv4 written in IPv6. */
export function isInsideAddress(address: string): boolean {
  const [bare = ""] = address.replace(/^\[|\]$/g, "").split("%");
  const family = isIP(bare);
  return family !== 0 && inside.check(bare, family === 6 ? "ipv6" : "ipv4");
}

const insideNames = /(?:^|\.)(?:localhost|local|internal|home\.arpa|lan)\.?$/i;

/**
 * Where a host is: by its name, its address, or the addresses that its name has, which may be `mixed`.
 * A name that nobody knows at the moment counts as outside.
 * @throws the signal's reason
 */
export async function whereIs(
  host: string,
  signal: AbortSignal,
  hosts: HostFinder,
): Promise<"inside" | "outside" | "mixed"> {
  const bare = host.replace(/^\[|\]$/g, "");
  if (isIP(bare.split("%")[0] ?? "") !== 0) return isInsideAddress(bare) ? "inside" : "outside";
  if (insideNames.test(bare)) return "inside";
  const addresses = await hosts.find(bare, signal).catch(() => []);
  signal.throwIfAborted();
  const near = addresses.filter(({ address }) => isInsideAddress(address)).length;
  if (near === 0) return "outside";
  return near === addresses.length ? "inside" : "mixed";
}
