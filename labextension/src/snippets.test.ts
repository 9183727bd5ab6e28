import { describe, expect, it } from 'vitest';

import { experimentCode, projectCode } from './snippets';

describe('code to copy', () => {
  it('names one experiment or several', () => {
    expect(experimentCode(['a1'])).toContain('aiplat.LossCurve("a1")\n');
    expect(experimentCode(['a1', 'b2'])).toContain('aiplat.LossCurve(["a1","b2"])\n');
  });

  it('quotes a project name for the query and again for Python', () => {
    expect(projectCode('say "hi"\n')).toContain(String.raw`"project:\"say \\\"hi\\\"\\n\""`);
  });
});
