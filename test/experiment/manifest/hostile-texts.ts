const MEBIBYTE = 1024 * 1024;

const WHOLE = 'apiVersion: sierra-batch/v1\nname: a\ncluster: {nodes: 1}\nrun: {commands: {list: [a]}}\n';

/**
 * Texts of about so many bytes, each made to be slow for one step of reading: the lexer, the parser, aliases, places, rules.
 * @param size 1 at the most: of a MiB, which is all that a manifest may have
 */
export function hostileTexts(size: number): Readonly<Record<string, string>> {
  const most = Math.floor(size * MEBIBYTE);
  const part = (bytes: number) => Math.floor(size * bytes);
  const filled = (sign: string, before = '', after = '') => {
    const count = Math.floor((most - before.length - after.length) / Buffer.byteLength(sign));
    return before + sign.repeat(count) + after;
  };
  const numbered = (of: (index: number) => string, before = '', after = '', bytes = MEBIBYTE) =>
    numberedUpTo(part(bytes), of, before, after);
  return {
    ...Object.fromEntries(
      [
        '[',
        ']',
        '{',
        ',',
        ': ',
        '-\n',
        '? ',
        '---\n',
        '%YAML 1.2\n',
        '%TAG ! x\n',
        '&a ',
        '*a ',
        '! ',
        '"',
        "'",
        '|\n',
        '#\n',
        '\t',
        '\r',
        '\n',
        'a:\n',
        '<<: 1\n',
        '? [a]\n',
        '[a, ',
        '"" ',
      ].map((sign) => [`${JSON.stringify(sign)} over and over`, filled(sign)]),
    ),
    'an open bracket and closing braces': filled('}', '['),
    'quotes in a list': filled('"" ', '['),
    'a list of one letter each': filled('a,', '[', ']'),
    'a quote never closed': filled('a\n', '"'),
    'a block of blank lines': filled('\n', 'a: |\n'),
    'a folded block': filled(' x\n', 'a: >\n'),
    escapes: filled('\\n', 'a: "', '"'),
    'escapes that are none': filled('\\q', 'a: "', '"'),
    'blanks in quotes': `a: "x${' '.repeat(most - 20)}\n y"`,
    'one long key': `${'a'.repeat(most - 10)}: 1`,
    'unknown keys': numbered((index) => `k${index}: 1\n`),
    'unknown keys, as many as may be': numbered((index) => `k${index}: 1\n`, '', '', 350_000),
    'the same key': numbered(() => 'a: 1\n', '', '', 200_000),
    'names that are none': numbered((index) => ` K-${index}: 1\n`, `${WHOLE}environment:\n`, '', 400_000),
    'reserved names': numbered((index) => ` AWS_BATCH_${index}: 1\n`, `${WHOLE}environment:\n`, '', 700_000),
    'empty variables': numbered((index) => ` k${index}:\n`, `${WHOLE}environment:\n`, '', 400_000),
    'aliases of one anchor': numbered(() => '*x,', `${WHOLE}x: &x 1\nl: [`, ']', 240_000),
    'anchors and their aliases': numbered((index) => `&a${index} 1,*a${index},`, 'l: [', ']', 400_000),
    'numbers as commands': numbered(() => '1,', 'run: {commands: {list: [', ']}}', 240_000),
    'inputs that are none': numbered(() => 'a,', `${WHOLE}inputs: [`, ']', 240_000),
    'the same output': numbered(() => 'a,', `${WHOLE}outputs: [`, ']', 240_000),
    'template keys that are none': `run: ${JSON.stringify({
      commands: {
        template: numbered((index) => `{k${index}}`, '', '', 450_000),
        matrix: Object.fromEntries(Array.from({ length: part(20_000) }, (_, index) => [`j${index}`, [1]])),
      },
    })}`,
    'long values': `${WHOLE.slice(0, -28)}commands: {template: "{a}{b}", matrix: {a: [${numbered((index) => `${'x'.repeat(500)}${index},`, '', '', 900_000)}x], b: {from: 1, to: 1000}}}}`,
    'fine ranges': `${WHOLE.slice(0, -28)}commands: {template: "{a}", matrix: {a: {from: 1.0e-300, to: 1.0e+300, step: 5.0e-324}}}}`,
    'a range of a million': `${WHOLE.slice(0, -28)}commands: {template: "{a}", matrix: {a: {from: 0.000001, to: 1, step: 0.000001}}}}`,
    'expansions that nest': `run: {commands: {template: "${'${'.repeat(part(400_000))}", matrix: {a: [1]}}}`,
    'braces that open': `run: {commands: {template: "${'{a'.repeat(part(400_000))}", matrix: {a: [1]}}}`,
    pipelines: numbered(() => '--pipeline,', 'run: {sierra: {args: [', ']}}', 900_000),
    stages: numbered(() => '1,', 'run: {sierra: {args: [--pipeline,', ']}}', 240_000),
    'node files': numbered((index) => `--nodefile=${index},`, 'run: {sierra: {args: [', ']}}', 900_000),
    'indentation of all kinds': numbered((index) => `${' '.repeat(1 + ((index * 7) % 13))}a: b\n`),
  };
}

function numberedUpTo(most: number, part: (index: number) => string, before: string, after: string): string {
  const parts: string[] = [before];
  let length = before.length + after.length;
  for (let index = 0; ; index += 1) {
    const next = part(index);
    length += next.length;
    if (length > most) break;
    parts.push(next);
  }
  return parts.join('') + after;
}
