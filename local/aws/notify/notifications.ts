import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EVENT_DETAIL_TYPE } from '../../../experiment/notify/event-names.ts';
import type { BusEvent } from '../events/bus.ts';
import type { Published } from './mail.ts';

/** Where what was told lies on this machine: each message a file, so that one told twice is there once. */
export interface Notifications {
  keepEvent(event: BusEvent): void;
  /** @returns the file */
  keepMail(mail: Published): string;
}

/** @param folder made when the first message comes */
export function openNotifications(folder: string): Notifications {
  const keep = (id: string, ending: string, text: string) => {
    const file = join(folder, `${fileName(id)}.${ending}`);
    mkdirSync(folder, { recursive: true });
    writeFileSync(file, text);
    return file;
  };
  return {
    keepEvent: (event) => {
      if (event['detail-type'] !== EVENT_DETAIL_TYPE) return;
      keep(String(event.detail.id ?? event.id), 'json', `${JSON.stringify(event, undefined, 1)}\n`);
    },
    keepMail: ({ id, subject, body }) => keep(id, 'txt', `Subject: ${subject}\n\n${body}`),
  };
}

/** An id may hold a key of the bucket, with any character in it. */
function fileName(id: string): string {
  const plain = id.replaceAll(/[^A-Za-z0-9._-]/g, '.');
  if (plain === id.replace('/', '.') && plain.length <= 120) return plain;
  return `${plain.slice(-80)}-${createHash('sha256').update(id).digest('hex').slice(0, 12)}`.replace(
    /^\.+/,
    '',
  );
}
