import { copyFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { BuildOptions, Metafile } from 'esbuild';
import { build } from 'esbuild';

/**
 * Bundles what runs on AWS into `dist/`: the runner as `container/main.js`, one folder a function as
 * `functions/<name>/index.mjs`. Prints what each weighs: a cold start pays for every byte.
 */
const root = fileURLToPath(new URL('..', import.meta.url));
const FUNCTIONS = ['ingest', 'submit', 'settle', 'collect'] as const;

const COMMON = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  target: 'node24',
  sourcemap: true,
  // Error names are literal, so minifying is safe; names are kept for readable stacks.
  minify: true,
  keepNames: true,
  metafile: true,
  logLevel: 'warning',
  // The SDK's CommonJS files would need a `require` that an ES module does not have.
  mainFields: ['module', 'main'],
  // yaml's Node build is CommonJS; the browser build is the same code as ES modules.
  alias: { yaml: './node_modules/yaml/browser/index.js' },
} satisfies BuildOptions;

rmSync(new URL('../dist', import.meta.url), { recursive: true, force: true });

// CommonJS packages of the runner (pino) call `require` for Node's own modules.
const REQUIRE =
  "import { createRequire as makeRequire } from 'node:module'; const require = makeRequire(import.meta.url);";

const runner = await build({
  ...COMMON,
  format: 'esm',
  entryPoints: ['container/main.ts'],
  outfile: 'dist/container/main.js',
  banner: { js: REQUIRE },
});
writeFileSync(new URL('../dist/container/package.json', import.meta.url), '{"type":"module"}\n');
for (const script of ['agent.pl', 'group.pl'])
  copyFileSync(
    new URL(`../container/fan-out/${script}`, import.meta.url),
    new URL(`../dist/container/${script}`, import.meta.url),
  );
report('runner', runner.metafile);

for (const name of FUNCTIONS) {
  const { metafile } = await build({
    ...COMMON,
    format: 'esm',
    entryPoints: { index: `functions/${name}.ts` },
    outdir: `dist/functions/${name}`,
    outExtension: { '.js': '.mjs' },
    chunkNames: 'chunk-[hash]',
    // Credential providers and other lazy parts of the SDK become chunks that load only when used.
    splitting: true,
  });
  report(name, metafile);
}

function report(name: string, { outputs }: Metafile): void {
  const code = Object.entries(outputs).filter(([path]) => !path.endsWith('.map'));
  const entry = code.find(([, output]) => output.entryPoint !== undefined);
  const total = code.reduce((sum, [, output]) => sum + output.bytes, 0);
  console.log(
    `${name.padEnd(8)} ${kilobytes(entry?.[1].bytes ?? 0)} at start, ${kilobytes(total)} in ${code.length} files`,
  );
}

function kilobytes(bytes: number): string {
  return `${(bytes / 1024).toFixed(0).padStart(5)} KB`;
}
