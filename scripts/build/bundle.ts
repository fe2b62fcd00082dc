import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BuildOptions, Metafile } from 'esbuild';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** One bundle each, with `handler` for Lambda. */
export const FUNCTIONS = ['ingest', 'submit', 'settle', 'collect'] as const;

const COMMON = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  target: 'node24',
  format: 'esm',
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
} as const satisfies BuildOptions;

// CommonJS packages of the runner (pino) call `require` for Node's own modules.
const REQUIRE =
  "import { createRequire as makeRequire } from 'node:module'; const require = makeRequire(import.meta.url);";

/** What a bundle weighs, in bytes. */
export interface BundleSize {
  /** What is loaded at the start: the entry and all that it imports at once. */
  atStart: number;
  total: number;
  files: number;
}

/** Bundles a function as `<folder>/index.mjs`. */
export async function bundleFunction(name: (typeof FUNCTIONS)[number], folder: string): Promise<BundleSize> {
  const { metafile } = await build({
    ...COMMON,
    entryPoints: [`functions/live/${name}.ts`],
    outfile: join(folder, 'index.mjs'),
    // A stack needs places only: Lambda reads the map at each start.
    sourcesContent: false,
  });
  return sizeOf(metafile);
}

/** Bundles the runner as `<folder>/main.js`, with the scripts that it hands to GNU parallel's nodes. */
export async function bundleRunner(folder: string, options: BuildOptions = {}): Promise<BundleSize> {
  const { metafile } = await build({
    ...COMMON,
    ...options,
    metafile: true,
    entryPoints: ['container/main.ts'],
    outfile: join(folder, 'main.js'),
    banner: { js: REQUIRE },
  });
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}\n');
  for (const script of ['fan-out/pool/agent.pl', 'fan-out/pool/group.pl', 'sierra/shim/parallel.pl'])
    copyFileSync(join(root, 'container', script), join(folder, basename(script)));
  return sizeOf(metafile);
}

/**
 * For any Node that people have, 20 and later. Without source maps, which a package would be the larger for: names stay as
 * they are, so that a stack can be read. (`keepNames` sets each at the start, which a command is the slower for.)
 */
const FOR_PEOPLE = {
  target: 'node20',
  inject: ['scripts/build/node-20.mjs'],
  sourcemap: false,
  minify: false,
  minifyWhitespace: true,
  minifySyntax: true,
  keepNames: false,
} satisfies BuildOptions;

/**
 * Bundles the command line as `<folder>/main.mjs`, with each command's own parts beside it. It needs no package at run time;
 * `local` needs what {@link bundleLocalSystem} makes.
 */
export async function bundleCommandLine(folder: string): Promise<BundleSize> {
  const { metafile } = await build({
    ...COMMON,
    ...FOR_PEOPLE,
    entryPoints: { main: 'cli/main.ts' },
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    chunkNames: '[name]-[hash]',
    splitting: true,
    banner: { js: REQUIRE },
  });
  return sizeOf(metafile);
}

/** What the command line's local system starts and reads (local/util/list-own-files.ts), in a folder beside the command line's. */
export async function bundleLocalSystem(folder: string): Promise<BundleSize> {
  const size = await bundleRunner(folder, FOR_PEOPLE);
  for (const file of ['local/nodes/keeper.pl', 'statemachine/experiment.asl.json'])
    copyFileSync(join(root, file), join(folder, basename(file)));
  return size;
}

function sizeOf({ outputs }: Metafile): BundleSize {
  const code = Object.entries(outputs).filter(([path]) => !path.endsWith('.map'));
  const entry = code.find(([path]) => /\/(index\.mjs|main\.m?js)$/.test(path));
  const loaded = new Set(entry === undefined ? [] : [entry[0]]);
  // A set that grows while it is walked is walked to its end.
  for (const path of loaded)
    for (const { path: imported, kind } of outputs[path]?.imports ?? [])
      if (kind === 'import-statement' && outputs[imported] !== undefined) loaded.add(imported);
  const sum = (paths: Iterable<string>) =>
    [...paths].reduce((bytes, path) => bytes + (outputs[path]?.bytes ?? 0), 0);
  return {
    atStart: sum(loaded),
    total: sum(code.map(([path]) => path)),
    files: code.length,
  };
}
