import { readFile } from 'node:fs/promises';
import { builtinModules, createRequire } from 'node:module';
import { dirname } from 'node:path';
import type { Plugin } from 'esbuild';

/**
 * What makes a function's bundle load quickly, each measured by `scripts/cold-start.ts`: fewer bytes to compile, fewer
 * files to find, fewer parts of Node to wake.
 */
export function leanFunctions(): Plugin[] {
  return [withoutUnusedShapes, credentialsOfLambda, nodesOwnModules];
}

/**
 * The SDK describes every shape of a service in one file, by keys such as `{ [_k]: 1 }`. A key that is a variable might do
 * anything when it is read, so esbuild keeps the shapes of all operations. With the texts in their place it drops those
 * that nobody calls: 95 of each 100 of S3's.
 */
export const withoutUnusedShapes: Plugin = {
  name: 'without-unused-shapes',
  setup({ onLoad }) {
    const named = /^const (_\w+) = ("[^"\\]*");$/gm;
    onLoad({ filter: /@aws-sdk\/client-[\w-]+\/dist-es\/schemas\/schemas_0\.js$/ }, async ({ path }) => {
      const code = await readFile(path, 'utf8');
      const texts = new Map(Array.from(code.matchAll(named), ([, name = '', text = '']) => [name, text]));
      const contents = code
        .replace(named, '')
        .replace(/"(?:[^"\\]|\\.)*"|\b_\w+\b/g, (word) => texts.get(word) ?? word)
        .replace(/\[("[^"]*")\]:/g, '$1:');
      return { contents, loader: 'js' };
    });
  },
};

/**
 * Lambda gives a function its keys in the environment and nowhere else. The SDK's chain of ten more places would be 20
 * files, and the code that they share with the rest would be ten more at the start.
 */
const credentialsOfLambda: Plugin = {
  name: 'credentials-of-lambda',
  setup({ onResolve, onLoad }) {
    const { resolve } = createRequire(import.meta.url);
    onResolve({ filter: /^@aws-sdk\/credential-provider-node$/ }, ({ path }) => ({
      path: 'environment',
      namespace: 'credentials-of-lambda',
      pluginData: dirname(resolve(path)),
    }));
    onLoad({ filter: /./, namespace: 'credentials-of-lambda' }, ({ pluginData }) => ({
      contents: "export { fromEnv as defaultProvider } from '@aws-sdk/credential-provider-env';",
      resolveDir: String(pluginData),
    }));
  },
};

/**
 * An `import` of one of Node's modules reads every property of it, and some of them load more (`fs.promises`, crypto's
 * rarer ciphers, http's WebSocket). Asked for by name, a module gives only what is used.
 */
const nodesOwnModules: Plugin = {
  name: 'nodes-own-modules',
  setup({ onResolve, onLoad }) {
    const known = new Set(builtinModules);
    onResolve({ filter: /^(node:)?[a-z/_]+$/ }, ({ path, kind }) => {
      const name = path.replace(/^node:/, '');
      if (kind !== 'import-statement' || !known.has(name)) return undefined;
      return { path: name, namespace: 'node', sideEffects: false };
    });
    onLoad({ filter: /./, namespace: 'node' }, ({ path }) => {
      const names = Object.keys(process.getBuiltinModule(`node:${path}`) ?? {}).filter(
        (name) => /^[A-Za-z]\w*$/.test(name) && name !== 'default',
      );
      const contents = [
        `const whole = /* @__PURE__ */ process.getBuiltinModule('node:${path}');`,
        'export default whole;',
        // What is not used is not read.
        ...names.map((name) => `const its_${name} = /* @__PURE__ */ (() => whole.${name})();`),
        `export { ${names.map((name) => `its_${name} as ${name}`).join(', ')} };`,
      ];
      return { contents: contents.join('\n'), loader: 'js' };
    });
  },
};
