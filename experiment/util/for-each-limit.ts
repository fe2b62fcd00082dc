/** Does `work` for each item, at most `atOnce` at a time; starts none after the first error. @throws that error, at once */
export async function forEachBounded<T>(
  items: Iterable<T> | AsyncIterable<T>,
  atOnce: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const under = new Set<Promise<void>>();
  for await (const item of items) {
    const one = work(item).finally(() => under.delete(one));
    under.add(one);
    one.catch(() => undefined); // awaited below, through the race or at the end
    if (under.size >= atOnce) await Promise.race(under);
  }
  await Promise.all(under);
}
