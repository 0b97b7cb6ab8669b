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

/** A log is read piece by piece: as long as somebody holds an old moment open it grows without end. */
export interface LogBytes {
  readonly length: number;
  /** Exactly so many bytes, which lie within it. */
  readonly read: (at: number, length: number) => Buffer;
}

/** @returns what is wrong, in words, or null */
export function logDamage(log: LogBytes): string | null {
  if (log.length <= headerBytes) return null;
  const header = log.read(0, headerBytes);
  const isBigEndian = (header.readUInt32BE(0) & 1) === 1;
  const sum = (bytes: Buffer, start: Checksum) => checksum(bytes, start, isBigEndian);
  const first = sum(header.subarray(0, 24), [0, 0]);
  const isHeader =
    (header.readUInt32BE(0) & ~1) === magic &&
    header.readUInt32BE(4) === version &&
    isSame(first, storedAt(header, 24));
  // Before anything was ever saved in it, a file may be as long and hold nothing.
  if (!isHeader) return !isBlank(log, headerBytes) ? "its log is not one any more" : null;

  const pageBytes = header.readUInt32BE(8);
  const frameBytes = frameHeaderBytes + pageBytes;
  const isOfThisLog = (frame: Buffer) => header.compare(frame, 8, 16, 16, 24) === 0;
  const sumOf = (frame: Buffer, before: Checksum) =>
    sum(frame.subarray(frameHeaderBytes), sum(frame.subarray(0, 8), before));
  const isWhole = (frame: Buffer, before: Checksum) =>
    isOfThisLog(frame) && isSame(sumOf(frame, before), storedAt(frame, 16));

  let at = headerBytes;
  let before = first;
  const lastAt = log.length - frameBytes;
  for (; at <= lastAt; at += frameBytes) {
    const frame = log.read(at, frameBytes);
    const isNext = isWhole(frame, before);
    before = storedAt(frame, 16);
    if (!isNext) break;
  }
  let after = 0;
  for (at += frameBytes; at <= lastAt; at += frameBytes) {
    const start = log.read(at, frameHeaderBytes);
    const isCommit = start.readUInt32BE(4) !== 0;
    if (isCommit && isOfThisLog(start) && isWhole(log.read(at, frameBytes), before)) after += 1;
    before = storedAt(start, 16);
  }
  return after >= fewestAfter
    ? `its log is damaged before the last ${after} transactions in it`
    : null;
}

const pieceBytes = 1_000_000;

function isBlank(log: LogBytes, from: number): boolean {
  for (let at = from; at < log.length; at += pieceBytes) {
    const piece = log.read(at, Math.min(pieceBytes, log.length - at));
    if (piece.some((byte) => byte !== 0)) return false;
  }
  return true;
}

const storedAt = (bytes: Buffer, at: number): Checksum => [
  bytes.readUInt32BE(at),
  bytes.readUInt32BE(at + 4),
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
