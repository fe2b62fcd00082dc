import { describe, expect, it } from 'vitest';
import { commandsOf, parseManifest } from '../../../experiment/manifest/parse.ts';
import { faultLine } from './corpus-cases.ts';

// What a text file of the corpus cannot hold, or nobody would want to scroll through.

const HEAD = 'apiVersion: sierra-batch/v1\nname: sweep\ncluster: {nodes: 2, vcpus: 4}\n';
const WHOLE = `${HEAD}run: {commands: {list: [./sim]}}\n`;
const MEBIBYTE = 1024 * 1024;

/** Code and place of each fault. */
function faultsOf(bytes: string | Uint8Array, format: 'yaml' | 'json' = 'yaml'): string[] {
  const result = parseManifest(typeof bytes === 'string' ? Buffer.from(bytes) : bytes, format);
  return result.ok ? [] : result.faults.map(({ line, column, code }) => `${line}:${column} ${code}`);
}

describe('bytes', () => {
  it.each<[string, string[], string | Uint8Array]>([
    ['nothing', ['0:0 empty'], ''],
    ['blank lines', ['0:0 empty'], '  \n\r\n \n'],
    ['a NUL', ['5:9 control-character'], `${WHOLE}outputs:\0 []\n`],
    ['an escape sign for terminals', ['5:2 control-character'], `${WHOLE}#\u001b[2J\n`],
    ['Latin-1', ['0:0 not-utf8'], Buffer.from(`${WHOLE}# caf\xe9\n`, 'latin1')],
    ['UTF-16', ['0:0 not-utf8'], Buffer.concat([Buffer.of(0xff, 0xfe), Buffer.from(WHOLE, 'utf16le')])],
    ['a surrogate in UTF-8', ['0:0 not-utf8'], Buffer.of(0x23, 0xed, 0xa0, 0x80)],
    ['an overlong NUL', ['0:0 not-utf8'], Buffer.of(0x23, 0xc0, 0x80)],
    ['a cut character', ['0:0 not-utf8'], Buffer.concat([Buffer.from(WHOLE), Buffer.of(0xe2, 0x82)])],
    ['noise', ['0:0 not-utf8'], Buffer.from(Array.from({ length: 512 }, (_, index) => (index * 167) % 256))],
  ])('%s', (_, expected, bytes) => {
    expect(faultsOf(bytes)).toEqual(expected);
  });

  it.each([
    ['a byte order mark', Buffer.from(`\ufeff${WHOLE}`)],
    ['CRLF', Buffer.from(WHOLE.replaceAll('\n', '\r\n'))],
    ['both', Buffer.from(`\ufeff${WHOLE.replaceAll('\n', '\r\n')}`)],
    ['no newline at the end', Buffer.from(WHOLE.trimEnd())],
    ['exactly 1 MiB', Buffer.from(`${WHOLE}#`.padEnd(MEBIBYTE, 'x'))],
  ])('%s is fine', (_, bytes) => {
    const result = parseManifest(bytes, 'yaml');
    const list = result.ok ? commandsOf(result.manifest) : undefined;
    expect([...(list?.lines ?? [])]).toEqual(['./sim']);
  });

  it('counts columns behind a byte order mark and lines that end with CRLF', () => {
    expect(
      faultsOf(`\ufeffapiVersion: v1\r\n${WHOLE.slice(28).replaceAll('\n', '\r\n')}nodes: 1\r\n`),
    ).toEqual(['1:13 bad-value', '5:1 unknown-key']);
  });

  it('refuses a byte more than 1 MiB, and says where a long list belongs', () => {
    const result = parseManifest(Buffer.from(`${WHOLE}#`.padEnd(MEBIBYTE + 1, 'x')), 'yaml');
    expect(result.ok ? [] : result.faults.map(faultLine)).toEqual([
      '0:0 too-large «» the file has 1048577 bytes, and a manifest may have 1 MiB; put long command lists into a file of their own (run.commands.file)',
    ]);
  });

  it('takes a byte order mark and CRLF in JSON, and a lone carriage return nowhere in a command', () => {
    const json =
      '{"apiVersion":"sierra-batch/v1",\r\n"name":"a","cluster":{"nodes":1},"run":{"commands":{"list":["COMMAND"]}}}';
    expect(faultsOf(`\ufeff${json}`, 'json')).toEqual([]);
    expect(faultsOf(json.replace('COMMAND', 'a\\rb'), 'json')).toEqual(['2:61 bad-value']);
  });
});

describe('depth and size', () => {
  const levels = 10_000;
  it.each<[string, 'yaml' | 'json', string]>([
    ['brackets', 'yaml', `${WHOLE}x: ${'['.repeat(levels)}${']'.repeat(levels)}`],
    ['braces', 'yaml', `${WHOLE}x: ${'{a: '.repeat(levels)}1${'}'.repeat(levels)}`],
    ['brackets with values between', 'yaml', `${WHOLE}x: ${'[1, '.repeat(levels)}`],
    ['hyphens', 'yaml', `${'- '.repeat(levels)}1`],
    ['stairs', 'yaml', Array.from({ length: 1400 }, (_, depth) => `${' '.repeat(depth)}k:`).join('\n')],
    ['arrays', 'json', '['.repeat(levels) + ']'.repeat(levels)],
    ['objects', 'json', '{"a":'.repeat(levels)],
  ])('10,000 levels of %s in %s', (_, format, text) => {
    const faults = faultsOf(text.slice(0, MEBIBYTE), format);
    expect(faults).toEqual([expect.stringMatching(/too-deep$/)]);
  });

  it('takes forty levels', () => {
    expect(faultsOf(`${WHOLE}x: ${'['.repeat(39)}${']'.repeat(39)}`)).toEqual(['5:1 unknown-key']);
    expect(faultsOf(`${WHOLE}x: ${'['.repeat(41)}${']'.repeat(41)}`)).toEqual(['5:44 too-deep']);
  });

  it('tells a bracket from one in a command', () => {
    const commands = Array.from({ length: 5000 }, (_, index) => `echo '[{ ${index}'`);
    expect(faultsOf(`${HEAD}run: ${JSON.stringify({ commands: { list: commands } })}`)).toEqual([]);
    const json = { apiVersion: 'sierra-batch/v1', name: 'a', cluster: { nodes: 1 } };
    expect(faultsOf(JSON.stringify({ ...json, run: { commands: { list: commands } } }), 'json')).toEqual([]);
  });

  it('stops a billion laughs', () => {
    const lines = Array.from({ length: 9 }, (_, index) => {
      const item = index === 0 ? '"ha"' : `*l${index - 1}`;
      return `l${index}: &l${index} [${Array(9).fill(item).join(', ')}]`;
    });
    expect(faultsOf(`${WHOLE}${lines.join('\n')}`)).toHaveLength(1);
    expect(faultsOf(`${WHOLE}${lines.join('\n')}`)[0]).toMatch(/too-many$/);
  });

  it('stops a long text named ten thousand times', () => {
    const text = `${HEAD}x: &x "${'a'.repeat(500_000)}"\nrun: {commands: {list: [${Array(10_000).fill('*x').join()}]}}`;
    expect(faultsOf(text)[0]).toMatch(/too-many$/);
  });

  it('refuses more words and signs than can be read in a moment', () => {
    expect(faultsOf(`${HEAD}run: {commands: {list: [${'a,'.repeat(200_000)}a]}}`)[0]).toMatch(/too-many$/);
    expect(faultsOf(`[${'1,'.repeat(300_000)}1]`, 'json')[0]).toMatch(/too-many$/);
  });

  it('tells of two hundred faults at most, the first ones', () => {
    const faults = faultsOf(
      `${WHOLE}${Array.from({ length: 5000 }, (_, index) => `k${index}: 1\n`).join('')}`,
    );
    expect(faults).toHaveLength(200);
    expect(faults[199]).toBe('204:1 unknown-key');
  });
});

describe('limits', () => {
  const run = (command: string, fanout: string) =>
    `${HEAD}run: {fanout: ${fanout}, commands: {list: ["${command}"]}}`;
  it.each([
    ['pool', 131_071],
    ['stock', 63_000],
  ])('with fanout %s a command has at most %i bytes', (fanout, most) => {
    expect(faultsOf(run('a'.repeat(most), fanout))).toEqual([]);
    expect(faultsOf(run('a'.repeat(most + 1), fanout))).toEqual([`4:${fanout.length + 35} command-too-long`]);
    // Bytes, not characters.
    expect(faultsOf(run('é'.repeat(most / 2 + 1), fanout))).toHaveLength(1);
  });

  it('finds the longest command of a matrix without making one', () => {
    const longest = (letters: number) =>
      `${HEAD}run: {commands: {template: "{a}{b}", matrix: {a: [x, ${'y'.repeat(letters)}], b: {from: 1, to: 100000}}}}`;
    expect(faultsOf(longest(131_065)).filter((fault) => fault.includes('command-too-long'))).toEqual([]);
    expect(faultsOf(longest(131_066))).toContain('4:28 command-too-long');
  });

  it('refuses commands of over 1 GiB in all', () => {
    const text = (bytes: number) =>
      `${HEAD}run: {commands: {template: "${'x'.repeat(bytes)}{a}", matrix: {a: {from: 100001, to: 1000000}}}}`;
    // With up to seven digits and a newline.
    expect(faultsOf(text(1185))).toEqual([]);
    expect(faultsOf(text(1187))).toEqual(['4:17 too-large']);
  });

  it('refuses a template whose filling in would take for ever, though its commands are short', () => {
    const matrix = Object.fromEntries(Array.from({ length: 19 }, (_, axis) => [`k${axis}`, ['', '']]));
    const template =
      '{k0}'.repeat(50_000) +
      Object.keys(matrix)
        .map((key) => `{${key}}`)
        .join('');
    expect(faultsOf(`${HEAD}run: ${JSON.stringify({ commands: { template, matrix } })}`)).toEqual([
      '4:18 too-large',
    ]);
  });

  it('takes 16 KiB of environment, names and separators included', () => {
    const environment = (bytes: number) => `${WHOLE}environment: {A: "${'a'.repeat(bytes - 3)}"}`;
    expect(faultsOf(environment(16_384))).toEqual([]);
    expect(faultsOf(environment(16_385))).toEqual(['5:14 too-large']);
  });

  it('counts the characters of a tag, not its bytes', () => {
    expect(faultsOf(`${WHOLE}tags: {k: "${'𝛼'.repeat(256)}"}`)).toEqual([]);
    expect(faultsOf(`${WHOLE}tags: {k: "${'𝛼'.repeat(257)}"}`)).toEqual(['5:11 too-large']);
  });
});
