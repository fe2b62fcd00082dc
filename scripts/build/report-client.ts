/**
 * Writes report/page/client.generated.ts from report/client/: the report's script and style sheet as text, so that plain Node
 * and a bundle alike can put them into a page. `--check` only says whether the file is current.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build, transform } from 'esbuild';

const client = new URL('../../report/client/', import.meta.url);
const target = new URL('../../report/page/client.generated.ts', import.meta.url);

/** The text that report/page/client.generated.ts should have. @throws Error when the script could end its own element. */
export async function generatedClient(): Promise<string> {
  const [script, runsScript] = await Promise.all([bundled('main.ts'), bundled('runs.ts')]);
  const { code: style } = await transform(await readFile(new URL('style.css', client), 'utf8'), {
    loader: 'css',
    minify: true,
  });
  if (/<\/script|<!--/i.test(script + runsScript) || /<\/style/i.test(style)) {
    throw new Error(
      'report/client/ holds text that would end its own element in the page: write it in two parts',
    );
  }
  return [
    '/** Generated from report/client/ by `node scripts/build/report-client.ts`; a test checks that it is current. */',
    `export const CLIENT_SCRIPT = ${quoted(script)};`,
    `export const RUNS_SCRIPT = ${quoted(runsScript)};`,
    `export const STYLE_SHEET = ${quoted(style)};`,
    '',
  ].join('\n');
}

async function bundled(entry: string): Promise<string> {
  const built = await build({
    entryPoints: [fileURLToPath(new URL(entry, client))],
    tsconfigRaw: {},
    bundle: true,
    minify: true,
    write: false,
    format: 'iife',
    target: 'es2022',
    charset: 'utf8',
    legalComments: 'none',
  });
  return built.outputFiles[0]?.text ?? '';
}

function quoted(text: string): string {
  return JSON.stringify(text.trim());
}

if (import.meta.main) {
  const text = await generatedClient();
  if (!process.argv.includes('--check')) {
    await writeFile(target, text);
  } else if ((await readFile(target, 'utf8')) !== text) {
    console.error(
      'report/page/client.generated.ts is not current: run `node scripts/build/report-client.ts`',
    );
    process.exitCode = 1;
  }
}
