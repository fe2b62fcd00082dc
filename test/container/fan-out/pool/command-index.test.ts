import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { CommandIndex } from '../../../../container/fan-out/pool/command-index.ts';

function listOf(text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'sbi-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'commands.txt');
  writeFileSync(file, text);
  return file;
}

it('every command is read whole, in whatever order, also one that no block holds', async () => {
  // Blocks of 256 KiB end within commands; the middle one is longer than a block.
  const commands = Array.from(
    { length: 40 },
    (_, at) => `echo ${at} ${'ü'.repeat(at === 20 ? 200_000 : 9000)}`,
  );
  const index = await CommandIndex.open(listOf(`${commands.join('\n')}\n`), commands.length);
  for (const step of [1, 7, 39])
    for (let at = 0; at < commands.length; at += 1) {
      const seq = ((at * step) % commands.length) + 1;
      expect(await index.command(seq)).toBe(commands[seq - 1]);
    }
  await index.close();
});

it('a last command without a newline counts; another number of commands than planned is refused', async () => {
  const index = await CommandIndex.open(listOf('a\nbb'), 2);
  expect([await index.command(1), await index.command(2)]).toEqual(['a', 'bb']);
  expect(index.place(1, 2)).toEqual({ offset: 0, length: 4 });
  await index.close();
  await expect(CommandIndex.open(listOf('a\nbb\n'), 3)).rejects.toThrow('has 2 lines and 3 were planned');
});
