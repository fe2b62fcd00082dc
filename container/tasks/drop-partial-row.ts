import type { FileHandle } from 'node:fs/promises';

const BLOCK_BYTES = 64 * 1024;

/**
 * Removes from a joblog what a crash left of a row in the middle of being written. Ended with a newline instead, it would
 * pass for a whole row if the cut fell into the command. Answers the file's size.
 */
export async function removeCutLine(file: FileHandle): Promise<number> {
  const { size } = await file.stat();
  let whole = 0;
  for (let end = size; end > 0 && whole === 0; end = Math.max(0, end - BLOCK_BYTES)) {
    const from = Math.max(0, end - BLOCK_BYTES);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(end - from), 0, end - from, from);
    whole = from + buffer.subarray(0, bytesRead).lastIndexOf(10) + 1;
    if (whole === from) whole = 0;
  }
  if (whole < size) await file.truncate(whole);
  return whole;
}
