/** Python to copy: the first run, and what reads back what was logged. */

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

const HEAD = 'import aiplat_jupyter as aiplat\n\n';

/** Return the cell that shows the curves of these experiments. */
export function experimentCode(uids: readonly string[]): string {
  const [first] = uids;
  const target = uids.length === 1 ? first : uids;
  return `${HEAD}aiplat.LossCurve(${JSON.stringify(target)})\n`;
}

/** Return the cell that lists the experiments of the project `name` as a table, and shows their curves. */
export function projectCode(name: string): string {
  const query = JSON.stringify(`project:${JSON.stringify(name)}`);
  return `${HEAD}display(aiplat.experiments(${query}))\naiplat.LossCurve(${query})\n`;
}
