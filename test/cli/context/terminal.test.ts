import { globSync, readFileSync } from 'node:fs';
import { expect, onTestFinished, test, vi } from 'vitest';
import { liveTerminal, remark } from '../../../cli/context/live.ts';

const ESC = '\u001b';
/** Title, screen, clipboard; C1; a direction turned. */
const ODD = `a${ESC}]0;OWNED\u0007b${ESC}[2Jc${ESC}]52;c;aGk=\u0007d\u009b2Je\u202ef\r\u0008g`;

/** What is written to the two streams, each a terminal or not. */
function streams({ out, err }: { out: boolean; err: boolean }) {
  const said = { out: '', err: '' };
  const { stdout, stderr } = process;
  const was = { out: stdout.isTTY, err: stderr.isTTY };
  stdout.isTTY = out;
  stderr.isTTY = err;
  const [toOut, toErr] = [vi.spyOn(stdout, 'write'), vi.spyOn(stderr, 'write')];
  const keep = (to: 'out' | 'err') => (text: unknown) => {
    said[to] += String(text);
    return true;
  };
  toOut.mockImplementation(keep('out'));
  toErr.mockImplementation(keep('err'));
  const back = () => {
    toOut.mockRestore();
    toErr.mockRestore();
    stdout.isTTY = was.out;
    stderr.isTTY = was.err;
  };
  onTestFinished(back);
  return { said, back };
}

const hasControls = (text: string) => /[^\n\P{Cc}]|\p{Bidi_Control}/u.test(text);

test.each([
  { out: true, err: true },
  { out: false, err: true },
  { out: true, err: false },
  { out: false, err: false },
])('what others wrote steers no terminal (%o)', async (terminals) => {
  const { said, back } = streams(terminals);
  const terminal = liveTerminal(false);
  terminal.say(ODD);
  terminal.json({ [ODD]: ODD });
  terminal.remark(ODD);
  remark(ODD);
  const [spoken, json] = [{ ...said }, said.out.slice(said.out.indexOf('{'))];
  said.out = '';
  said.err = '';
  await terminal.write(ODD);
  await terminal.writeBeside(ODD);
  back();

  expect(hasControls(spoken.out)).toBe(false);
  expect(hasControls(spoken.err)).toBe(false);
  expect(JSON.parse(json)).toEqual({ [ODD]: ODD });
  // Into a file or a pipe goes what a task wrote.
  expect(hasControls(said.out)).toBe(!terminals.out);
  expect(hasControls(said.err)).toBe(!terminals.err);
  if (!terminals.out) expect(said.out).toBe(ODD);
});

test('nothing else writes to a terminal', () => {
  const writers = globSync('{cli,submission,local}/**/*.ts').filter((file) =>
    /process\.std(out|err)\.write|\b(stdout|stderr)\.write\(|console\./.test(readFileSync(file, 'utf8')),
  );
  expect(writers.sort()).toEqual([
    'cli/context/live.ts',
    'cli/main.ts', // a line feed after ^C
    'local/start/on-this-machine.ts', // before there is anything to show
    'local/start/run-manifest.ts',
    'local/start/start.ts', // help, and the user's own arguments
  ]);
});
