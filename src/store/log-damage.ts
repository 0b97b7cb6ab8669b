/**
 * Whether SQLite's write-ahead log has lost something that had been saved. SQLite reads it up to the first
 * frame that is not whole, as is right after a power cut: what was being written then was never saved. When
 * whole transactions come after such a frame, it is damage, and all that follows would be lost in silence.
 */

const headerBytes = 32;
const frameHeaderBytes = 24;
const magic = 0x377f0682;
const version = 3_007_000;
/** The last transaction may have been cut off in any order: only one before it had been saved for certain. */
const fewestAfter = 2;

type Checksum = readonly [number, number];

/** @returns what is wrong, in words, or null */
export function logDamage(log: Buffer): string | null {
  if (log.length <= headerBytes) return null;
  const isBigEndian = (log.readUInt32BE(0) & 1) === 1;
  const sum = (bytes: Buffer, start: Checksum) => checksum(bytes, start, isBigEndian);
  const first = sum(log.subarray(0, 24), [0, 0]);
  const isHeader =
    (log.readUInt32BE(0) & ~1) === magic &&
    log.readUInt32BE(4) === version &&
    isSame(first, storedAt(log, 24));
  // Before anything was ever saved in it, a file may be as long and hold nothing.
  const isBlank = log.subarray(headerBytes).every((byte) => byte === 0);
  if (!isHeader) return !isBlank ? "its log is not one any more" : null;

  const pageBytes = log.readUInt32BE(8);
  const frameBytes = frameHeaderBytes + pageBytes;
  const isOfThisLog = (at: number) => log.compare(log, 16, 24, at + 8, at + 16) === 0;
  const sumOf = (at: number, before: Checksum) =>
    sum(
      log.subarray(at + frameHeaderBytes, at + frameBytes),
      sum(log.subarray(at, at + 8), before),
    );
  const isWhole = (at: number, before: Checksum) =>
    isOfThisLog(at) && isSame(sumOf(at, before), storedAt(log, at + 16));

  let at = headerBytes;
  let before = first;
  const lastAt = log.length - frameBytes;
  for (; at <= lastAt && isWhole(at, before); at += frameBytes) before = storedAt(log, at + 16);
  let after = 0;
  for (at += frameBytes; at <= lastAt; at += frameBytes) {
    const isCommit = log.readUInt32BE(at + 4) !== 0;
    if (isCommit && isWhole(at, storedAt(log, at - frameBytes + 16))) after += 1;
  }
  return after >= fewestAfter
    ? `its log is damaged before the last ${after} transactions in it`
    : null;
}

const storedAt = (log: Buffer, at: number): Checksum => [
  log.readUInt32BE(at),
  log.readUInt32BE(at + 4),
];

const isSame = (a: Checksum, b: Checksum): boolean => a[0] === b[0] && a[1] === b[1];

/** SQLite's own: over pairs of words, carried on from what came before. */
function checksum(bytes: Buffer, [before0, before1]: Checksum, isBigEndian: boolean): Checksum {
  let [s0, s1] = [before0, before1];
  for (let at = 0; at + 8 <= bytes.length; at += 8) {
    const one = isBigEndian ? bytes.readUInt32BE(at) : bytes.readUInt32LE(at);
    const two = isBigEndian ? bytes.readUInt32BE(at + 4) : bytes.readUInt32LE(at + 4);
    s0 = (s0 + one + s1) >>> 0;
    s1 = (s1 + two + s0) >>> 0;
  }
  return [s0, s1];
}
