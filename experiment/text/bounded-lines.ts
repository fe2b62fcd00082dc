/**
 * The lines of a text of others, cut at newlines; one that is longer than that is left out, and so is a last one without a
 * newline where `whole` says so, for a crash has cut it. @param chunks none where there is no text @param most characters of a
 * line @param bytes of all: what comes behind them is left out
 */
export async function* boundedLines(
  chunks: AsyncIterable<Uint8Array> | undefined,
  { most, whole, bytes = Number.POSITIVE_INFINITY }: { most: number; whole: boolean; bytes?: number },
): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  let rest = '';
  let isTooLong = false;
  let left = bytes;
  for await (const chunk of chunks ?? []) {
    left -= chunk.length;
    if (left < 0) return;
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (!isTooLong && line.length <= most) yield line;
      isTooLong = false;
    }
    if (rest.length <= most) continue;
    isTooLong = true;
    rest = '';
  }
  if (!whole && !isTooLong && rest !== '') yield rest;
}
