/** Python to copy: the first run, and what reads back what was logged. */

import type { Target } from './target';

export const QUICKSTART = `import aiplat_jupyter as aiplat

exp = aiplat.init(project="digits", name="mlp", config={"lr": 1e-3})
for step in range(300):
    exp.log({"loss": 1 / (step + 1), "epoch": step // 100}, step=step)
    if exp.should_stop:
        break
exp.summary["accuracy"] = 0.97
exp.finish()
exp.history("loss")
`;

/** Return the cell that opens the things of `target` and shows their curves; uids are plain words. */
export function codeFor(target: Target): string {
  const head = 'import aiplat_jupyter as aiplat\n\n';
  const uids = target.uids.map(uid => JSON.stringify(uid));
  if (target.kind === 'project') {
    return `${head}experiments = aiplat.experiments(project=[${uids.join(', ')}])\naiplat.LossCurve(experiments)\n`;
  }
  if (uids.length === 1) {
    return `${head}exp = aiplat.experiment(${uids[0] ?? ''})\nexp.history("loss")\n`;
  }
  const list = uids.map(uid => `aiplat.experiment(${uid})`).join(',\n    ');
  return `${head}experiments = [\n    ${list},\n]\naiplat.LossCurve(experiments)\n`;
}
