import { once } from 'node:events';
import { createServer } from 'node:http';

/** EventBridge and SNS as the real clients meet them: both take what comes, and what came can be looked at. */
export async function tellingServer() {
  const events: Record<string, unknown>[] = [];
  const subjects: string[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const text = Buffer.concat(chunks).toString();
      if (request.headers['x-amz-target'] !== 'AWSEvents.PutEvents') {
        subjects.push(new URLSearchParams(text).get('Subject') ?? '');
        response.end(
          '<PublishResponse><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>',
        );
        return;
      }
      const { Entries } = JSON.parse(text);
      events.push(...Entries.map(({ Detail }: { Detail: string }) => JSON.parse(Detail)));
      response.end(JSON.stringify({ FailedEntryCount: 0, Entries: Entries.map(() => ({ EventId: '1' })) }));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  return {
    events,
    subjects,
    url: `http://127.0.0.1:${port}`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
