import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/**
 * Somebody on another machine who knocks at the join port and does not belong there.
 *
 *     node stranger.ts HOST PORT flood CONNECTIONS SECONDS     so many connections, and for so long
 *     node stranger.ts HOST PORT say BASE64 …                  says each when the last was answered; nothing is silence
 *
 * stdout: what was answered until the connection was closed, or how many connections there were.
 */
const [host = '', port = '', what = '', ...more] = process.argv.slice(2);
const AT_ONCE = 300;

process.stdout.write(
  what === 'flood' ? `${await flood(Number(more[0]), Number(more[1]))}\n` : await say(more),
);
process.exit(0);

async function flood(connections: number, seconds: number): Promise<number> {
  let made = 0;
  const until = performance.now() + seconds * 1000;
  const one = async () => {
    while (made < connections || performance.now() < until) {
      const socket = await open();
      if (socket === undefined) {
        await delay(50);
        continue;
      }
      made += 1;
      // Kept until node 0 takes it away, as long as that is not for ever.
      await Promise.race([new Promise((gone) => socket.once('close', gone)), delay(10_000)]);
      socket.destroy();
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, one));
  return made;
}

async function say(lines: readonly string[]): Promise<string> {
  let socket = await open();
  for (; socket === undefined; socket = await open()) await delay(50);
  let heard = '';
  const closed = new Promise((gone) => socket.once('close', gone));
  for (const line of lines) {
    const answer = new Promise((come) => socket.once('data', come));
    socket.write(Buffer.from(line === 'random' ? randomBytes(1024 * 1024) : Buffer.from(line, 'base64')));
    await Promise.race([answer, closed]);
  }
  await closed;
  return heard;

  function open(): Promise<Socket | undefined> {
    return openHearing((text) => {
      heard += text;
    });
  }
}

function open(): Promise<Socket | undefined> {
  return openHearing(() => undefined);
}

function openHearing(hear: (text: string) => void): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host, port: Number(port) });
    socket.on('data', (chunk: Buffer) => hear(chunk.toString('latin1')));
    socket.once('connect', () => resolve(socket));
    socket.on('error', () => resolve(undefined));
  });
}
