import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { controlPlane, hooked } from '../../support/control-plane.ts';

// A process of its own that takes in the manifest named as its argument, as the function does, and tells what it sent.
const sent = { bytes: 0, lines: 0, hash: '', longest: 0 };
const plane = await controlPlane({
  s3: (real) =>
    hooked(real, async (command, call) => {
      const input = command instanceof PutObjectCommand ? command.input : undefined;
      if (!(input?.Body instanceof Readable)) return call();
      const hash = createHash('sha256');
      for await (const block of input.Body) {
        hash.update(block);
        sent.bytes += block.length;
        sent.longest = Math.max(sent.longest, block.length);
        for (const byte of block) if (byte === 10) sent.lines += 1;
      }
      sent.hash = hash.digest('hex');
      if (sent.bytes !== input.ContentLength) throw new Error(`${input.ContentLength} bytes were announced`);
      return { $metadata: {} };
    }),
});
const event = await plane.put('manifests/million.yaml', readFileSync(process.argv[2] ?? ''));
await plane.ingest(event);
console.log(JSON.stringify({ ...sent, runs: plane.localStates.records().length }));
