/**
 * The time of a processor that the work costs this process. What a test says of being quick it says of this time:
 * that by the clock is also spent waiting for a processor that others have.
 */
export async function processorMs(work: () => unknown): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}
