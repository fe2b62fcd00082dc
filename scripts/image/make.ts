import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defined } from '../../experiment/util/defined.ts';
import type { BuildArguments } from './build.ts';
import { buildImage, findBuilder, ImageFailed, pushImage } from './build.ts';
import { contentTag } from './content-tag.ts';
import type { ImageOptions } from './options.ts';

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));

/** What an image is built with, and the tag that names it. @throws ImageFailed where the runner is not bundled */
export function planImage(options: ImageOptions, root = REPOSITORY): { args: BuildArguments; tag: string } {
  if (!existsSync(join(root, 'dist/container/main.js')))
    throw new ImageFailed('the runner is not bundled: run `npm run build` first');
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const args: BuildArguments = {
    SIERRA: options.sierra ? '1' : '0',
    USER_ID: String(options.userId),
    VERSION: String(version),
    ...defined({ NODE_IMAGE: options.nodeImage, SYSTEM_IMAGE: options.systemImage }),
  };
  return { args, tag: contentTag(root, options.architecture, args) };
}

/**
 * Builds the nodes' image from `dist/container`, which must be there (`npm run build`), and pushes it if asked to.
 * Answers its whole name: `sierra-batch:<tag>`, or that in the repository it was pushed to.
 * @throws ImageFailed
 */
export function makeImage(options: ImageOptions, root = REPOSITORY): string {
  const { args, tag } = planImage(options, root);
  const builder = findBuilder();
  const name = `sierra-batch:${tag}`;
  buildImage(builder, { root, name, architecture: options.architecture, args });
  if (options.push === undefined) return name;
  const there = `${options.push}:${tag}`;
  pushImage(builder, name, there);
  return there;
}
