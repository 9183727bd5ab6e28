/** A platform with some projects and experiments, behind the fake server. */

import { nullTranslator } from '@jupyterlab/translation';
import { CommandRegistry } from '@lumino/commands';

import { isOpen, WORST_FIRST } from '../alerts/severity';
import { Api } from '../api';
import { Events } from '../events';
import { GpuMonitor } from '../gpu/monitor';
import { Neighbours } from '../neighbours';
import { Preferences } from '../preferences';
import type {
  Agent,
  Alert,
  Change,
  ExperimentRow,
  GpuStatus,
  Project,
  Rule,
  Schedule,
  Severity,
  TaskRow
} from '../records';
import type { Services } from '../services';
import { aHistory, anAgent, aStatus } from './gpus';
import { curve, INFO } from './records';
import { FakeServer, FakeStream } from './server';

export class FakePlatform {
  readonly server = new FakeServer();
  projects: Project[] = [];
  experiments: ExperimentRow[] = [];
  tasks: TaskRow[] = [];
  schedules: Schedule[] = [];
  alerts: Alert[] = [];
  rules: Rule[] = [];
  agents: Agent[] = [anAgent('agent0', { machine: 'box' })];
  /** The own one first. */
  gpus: GpuStatus[] = [aStatus([])];
  readonly services: Services;
  private stream: FakeStream | null = null;
  private seq = 1;

  constructor() {
    const api = new Api(this.server.settings);
    const events = new Events(api, { gather: 0 }, new Neighbours(null));
    const trans = nullTranslator.load('aiplat_jupyter');
    this.services = {
      ...{ api, events, trans, commands: new CommandRegistry(), preferences: new Preferences() },
      gpus: new GpuMonitor(api, events, { polled: 0 })
    };
    this.answerAll();
  }

  /** Let the stream tell a change. */
  tell(change: Partial<Change>): void {
    this.seq += 1;
    const news = {
      topic: 'experiments',
      kind: 'updated',
      uid: '',
      project: null,
      at: 0,
      ...change,
      seq: this.seq
    };
    this.stream?.send(`id: ${this.seq}\nevent: change\ndata: ${JSON.stringify(news)}\n\n`);
  }

  /** Let the stream tell a sample of GPUs. */
  sample(status: GpuStatus): void {
    this.stream?.send(`event: gpu\ndata: ${JSON.stringify(status)}\n\n`);
  }

  private answerAll(): void {
    this.server
      .on('GET server', INFO)
      .on('GET events', asked => {
        this.stream = new FakeStream(asked.signal);
        this.stream.send('id: 1\n\n');
        return this.stream.response();
      })
      .on('GET projects', asked => {
        const query = new URLSearchParams(asked.path.split('?')[1]);
        const words = query.get('q') ?? '';
        const status = query.get('status');
        return page(this.projects.filter(item => item.status === status && item.name.includes(words)));
      })
      .on('GET experiments', asked => page(this.find(new URLSearchParams(asked.path.split('?')[1]))))
      .on('GET tasks', asked => {
        const states = new URLSearchParams(asked.path.split('?')[1]).getAll('state');
        return page(this.tasks.filter(task => states.length === 0 || states.includes(task.state)));
      })
      .on('GET schedules', () => page(this.schedules))
      .on('GET tasks/counts', () =>
        Object.fromEntries(
          this.tasks.map(({ state }) => [state, this.tasks.filter(task => task.state === state).length])
        )
      )
      .on('GET alerts/rules', () => this.rules)
      .on('GET alerts/events', asked => page(this.findAlerts(new URLSearchParams(asked.path.split('?')[1]))))
      .on('GET alerts/events/counts', () => ({
        firing: counted(this.alerts.filter(alert => alert.state === 'firing')),
        unacknowledged: counted(this.alerts.filter(alert => alert.acknowledged_at === null))
      }))
      .on('GET agents', () => this.agents)
      .on('GET gpu/status', asked => this.gpusOf(new URLSearchParams(asked.path.split('?')[1])))
      .on('GET gpu/history', asked => {
        const query = new URLSearchParams(asked.path.split('?')[1]);
        const status = this.gpusOf(query) ?? aStatus([]);
        return aHistory(status, Number(query.get('start')), Number(query.get('end')));
      })
      .on('GET metrics/query', asked => {
        const query = new URLSearchParams(asked.path.split('?')[1]);
        const wanted = this.experiments.filter(row => query.getAll('experiments').includes(row.uid));
        const curves = wanted.map(row => curve(row.uid, { summary: row.headline ?? undefined }));
        return { curves, cursor: '' };
      });
  }

  private findAlerts(query: URLSearchParams): Alert[] {
    const names = ['severity', 'state', 'subject'] as const;
    return this.alerts.filter(
      alert =>
        String(isOpen(alert)) === (query.get('open') ?? String(isOpen(alert))) &&
        names.every(name => !query.has(name) || query.getAll(name).includes(alert[name])) &&
        (!query.has('experiment') || query.getAll('experiment').includes(alert.target.experiment ?? '')) &&
        (!query.has('task') || query.get('task') === alert.target.task)
    );
  }

  private gpusOf(query: URLSearchParams): GpuStatus | undefined {
    const agent = query.get('agent');
    return agent === null ? this.gpus[0] : this.gpus.find(status => status.agent === agent);
  }

  private find(query: URLSearchParams): ExperimentRow[] {
    const [status, project] = [query.getAll('status'), query.get('project')];
    return this.experiments.filter(
      row =>
        row.lifecycle === query.get('lifecycle') ||
        (!query.has('lifecycle') &&
          row.lifecycle === 'active' &&
          (status.length === 0 || status.includes(row.status)) &&
          (project === null || row.project === project) &&
          row.name.includes(query.get('q') ?? ''))
    );
  }
}

function page(items: object[]): object {
  return { items, total: items.length };
}

function counted(alerts: readonly Alert[]): Partial<Record<Severity, number>> {
  const numbers = WORST_FIRST.map(
    severity => [severity, alerts.filter(alert => alert.severity === severity).length] as const
  );
  return Object.fromEntries(numbers.filter(([, number]) => number > 0));
}
