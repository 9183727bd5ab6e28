import { render, screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import type { NewRule, Rule, RuleReplay, RuleTest } from '../../records';
import { aRule, aTarget } from '../../testing/alerts';
import { FakePlatform } from '../../testing/platform';
import { problem } from '../../testing/server';
import { draftOf, newDraft, type Draft } from '../draft';
import { RuleForm } from '../RuleForm';
import { RuleModel } from '../ruleModel';

const REPLAY: RuleReplay = {
  times: 3,
  note: '',
  targets: [
    {
      target: aTarget(),
      x: [100, 200, 300],
      value: [90, 97, null],
      fired: [
        [100, 130, 'warning'],
        [200, 260, 'critical']
      ]
    }
  ]
};

let platform: FakePlatform;
let model: RuleModel;
let done: number;

beforeEach(() => {
  platform = new FakePlatform();
  platform.server.on('POST alerts/rules/test', REPLAY);
  done = 0;
});

afterEach(() => {
  model.dispose();
  platform.services.events.dispose();
});

async function show(draft: Draft): Promise<void> {
  model = new RuleModel(draft, platform.services);
  render(<RuleForm model={model} onDone={() => (done += 1)} onCancel={() => undefined} />);
  await waitFor(() => expect(platform.server.calls('POST alerts/rules/test')).toHaveLength(1));
}

const tests = (): RuleTest[] =>
  platform.server.calls('POST alerts/rules/test').map(({ body }) => body as RuleTest);

describe('the form of a rule', () => {
  it('says what the rule would have done, while it is filled in', async () => {
    await show(newDraft({}, platform.services.trans));
    await screen.findByText('It would have fired 3 times.');
    expect(screen.getByText('critical', { selector: '.aiplat-RuleStretches *' })).toBeTruthy();
    const warning = screen.getByRole('textbox', { name: /Warning %/ });
    await userEvent.clear(warning);
    await userEvent.type(warning, '80');
    await waitFor(() => expect(tests().at(-1)?.spec.warning).toBe(80));
    await userEvent.selectOptions(screen.getByRole('combobox', { name: 'How far back' }), '1');
    const before = tests().length;
    await waitFor(() => expect(tests().length).toBeGreaterThan(before));
    expect(Date.now() / 1000 - (tests().at(-1)?.start ?? 0)).toBeLessThan(3700);
  });

  it('shows what is wrong at its field, in the server’s words or its own', async () => {
    await show(newDraft({}, platform.services.trans));
    const time = screen.getByRole('textbox', { name: 'For at least' });
    await userEvent.clear(time);
    await userEvent.type(time, 'soon');
    await screen.findByText('a time such as 90s, 15m, 2h or 1d');
    expect(time.getAttribute('aria-invalid')).toBe('true');
    const fields = { 'spec.warning': 'something only this server knows' };
    platform.server.on('POST alerts/rules/test', () => problem(422, { code: 'invalid', fields }));
    await userEvent.clear(time);
    await screen.findByText('something only this server knows');
    expect(screen.getByText('1 field needs a change')).toBeTruthy();
  });

  it('unfolds what is wrong, and folds nothing while one types', async () => {
    await show(draftOf(aRule(), platform.services.trans));
    const more = screen.getByText(/^More: /).closest('details')!;
    expect(more.open).toBe(false);
    const fields = { 'spec.clear_warning': 'on the good side of warning' };
    platform.server.on('POST alerts/rules/test', () => problem(422, { code: 'invalid', fields }));
    const warning = screen.getByRole('textbox', { name: /^Warning %/ });
    await userEvent.clear(warning);
    await userEvent.type(warning, '80');
    await screen.findByText('on the good side of its threshold');
    await waitFor(() => expect(more.open).toBe(true));
    platform.server.on('POST alerts/rules/test', REPLAY);
    await userEvent.clear(screen.getByRole('textbox', { name: /^Warning is over at/ }));
    await screen.findByText('It would have fired 3 times.');
    expect(more.open).toBe(true);
  });

  it('adds a rule under a name that says what it watches', async () => {
    platform.server.on('POST alerts/rules', aRule());
    await show(newDraft({ task: 'task1' }, platform.services.trans));
    await userEvent.click(screen.getByRole('button', { name: 'Save rule' }));
    await waitFor(() => expect(done).toBe(1));
    const made = platform.server.calls('POST alerts/rules')[0]?.body as NewRule;
    expect(made).toMatchObject({
      name: 'fails, runs into its time limit or is lost',
      subject: 'task',
      condition: 'failed',
      scope: { tasks: ['task1'] }
    });
  });

  it('changes a default rule without renaming it', async () => {
    const rule: Rule = aRule({ uid: 'r1' });
    platform.server.on('PATCH alerts/rules/r1', rule);
    await show(draftOf(rule, platform.services.trans));
    expect(screen.queryByRole('textbox', { name: 'Name' })).toBeNull();
    await userEvent.click(screen.getByRole('button', { name: 'Save rule' }));
    await waitFor(() => expect(done).toBe(1));
    expect(platform.server.calls('PATCH alerts/rules/r1')[0]?.body).toEqual({ spec: rule.spec });
  });

  it('warns of actions that stop something', async () => {
    await show(newDraft({}, platform.services.trans));
    await userEvent.click(screen.getByRole('button', { name: '+ message or action' }));
    await userEvent.selectOptions(screen.getByRole('combobox', { name: 'Do' }), 'stop_task');
    expect(screen.getByText(/is stopped, without a question/)).toBeTruthy();
    await waitFor(() => expect(tests().at(-1)?.spec.actions).toEqual([{ kind: 'stop_task', url: '' }]));
  });
});
