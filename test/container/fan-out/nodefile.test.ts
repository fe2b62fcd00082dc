import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BadNodefile, parseNodefile, renderNodefile } from '../../../container/fan-out/nodefile.ts';

const login = fc.record(
  {
    slots: fc.integer({ min: 1, max: 1024 }),
    user: fc.stringMatching(/^[a-z_][a-z0-9_-]{0,20}$/),
    host: fc.oneof(fc.ipV4(), fc.domain(), fc.constant('ip-10-0-1-10')),
  },
  { requiredKeys: ['host'] },
);

describe('the nodefile', () => {
  it('reads back what it writes', () => {
    fc.assert(
      fc.property(fc.array(login, { minLength: 1 }), (logins) => {
        expect(parseNodefile(renderNodefile(logins))).toEqual(logins);
      }),
    );
  });

  it('is never empty: GNU parallel would run everything on node 0', () => {
    expect(() => renderNodefile([])).toThrow(BadNodefile);
    expect(() => parseNodefile('# only a comment\n\n')).toThrow(BadNodefile);
  });

  it.each([':', '10.0.1.10 slots=4', 'a,b', '-oProxyCommand=x', 'a\nb', ''])(
    'refuses the host %j, which GNU parallel would read differently',
    (host) => {
      expect(() => renderNodefile([{ host }])).toThrow(BadNodefile);
    },
  );

  it("refuses MPI's `slots=` when reading", () => {
    expect(() => parseNodefile('10.0.1.10 slots=4\n')).toThrow(/not a sshlogin/);
  });
});
