/** Three bytes of loopback addresses that hardly anybody else has. */
export function loopbackBlock(): string {
  return `127.${201 + (process.pid % 50)}.${Math.floor(process.pid / 50) % 200}`;
}
