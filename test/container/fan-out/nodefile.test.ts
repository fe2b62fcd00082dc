import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BadNodefile, parseNodefile, renderNodefile } from '../../../container/fan-out/nodefile.ts';

const host = fc.oneof(fc.ipV4(), fc.domain(), fc.constant('ip-10-0-1-10'));

describe('the nodefile', () => {
  it('reads back what it writes', () => {
    fc.assert(
      fc.property(fc.array(host, { minLength: 1 }), (hosts) => {
        expect(parseNodefile(renderNodefile(hosts))).toEqual(hosts);
      }),
    );
  });

  it('is never empty: GNU parallel would run everything on node 0', () => {
    expect(() => renderNodefile([])).toThrow(BadNodefile);
    expect(() => parseNodefile('# only a comment\n\n')).toThrow(BadNodefile);
  });

  it.each([':', '10.0.1.10 slots=4', 'a,b', '-oProxyCommand=x', 'a\nb', '', '2/a', 'root@a'])(
    'refuses the host %j, which GNU parallel would read differently',
    (odd) => {
      expect(() => renderNodefile([odd])).toThrow(BadNodefile);
    },
  );

  it('tells slots and users as they stand there, which make no known host', () => {
    expect(parseNodefile('# nodes\n2/a\nroot@b\n')).toEqual(['2/a', 'root@b']);
  });

  it("refuses MPI's `slots=` when reading", () => {
    expect(() => parseNodefile('10.0.1.10 slots=4\n')).toThrow(/not a sshlogin/);
  });
});
