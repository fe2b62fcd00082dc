import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { submittingOnce } from '../../aws/clients/batch.ts';
import { failureOf } from '../support/control-plane.ts';

/** An AWS that answers every request with an error, or not at all, and counts them by path. */
async function brokenAws(answer: 'error' | 'throttled' | 'hangs up') {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    request.resume();
    if (answer === 'hangs up') request.socket.destroy();
    else response.writeHead(answer === 'error' ? 500 : 429, { 'content-type': 'application/json' }).end('{}');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const batch = submittingOnce({
    region: 'local',
    maxAttempts: 3,
    endpoint: `http://127.0.0.1:${port}`,
    credentials: { accessKeyId: 'k', secretAccessKey: 's' },
  });
  return { asked, batch, close: () => server.closeAllConnections() ?? server.close() };
}

it.each(['error', 'throttled', 'hangs up'] as const)(
  'SubmitJob is sent once when AWS %s, since a repeat would be a second job; what may be repeated is',
  async (answer) => {
    const { asked, batch, close } = await brokenAws(answer);
    const job = { jobName: 'a', jobQueue: 'q', jobDefinition: 'd' };
    await failureOf(batch.submitJob(job));
    expect(asked).toEqual(['/v1/submitjob']);
    await failureOf(batch.describeJobs({ jobs: ['x'] }));
    expect(asked.slice(1)).toEqual(Array(3).fill('/v1/describejobs'));
    close();
  },
);
