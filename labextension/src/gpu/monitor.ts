/** What GPUs and machines do, as the page knows it: asked once, then told by the stream, however many parts show it. */

import type { IDisposable } from '@lumino/disposable';
import { DisposableDelegate } from '@lumino/disposable';
import { Signal, type ISignal } from '@lumino/signaling';

import type { Api } from '../api';
import { asApiError, isAbort, type ApiError } from '../errors';
import type { Events } from '../events';
import type { Agent, GpuStatus, Told } from '../records';
import { Pace } from '../sidebar/pace';

/** An agent's GPUs and machine, as far as they are known. */
export interface Machine {
  /** Uid of the agent; empty for the server's own until it has answered. */
  readonly agent: string;
  readonly isOwn: boolean;
  readonly host: string;
  readonly username: string;
  readonly status: GpuStatus | null;
  /** Why the last question had no answer; cleared by the next status. */
  readonly error: ApiError | null;
  /** When the status came, by this page's own clock, in ms (`performance.now`). */
  readonly heardAt: number;
}

/** Milliseconds. */
export interface MonitorTiming {
  /** Between two questions about another agent, whose server tells its own pages only, or about one that fell silent. */
  others: number;
  /** Between two questions where changes are polled and so bring no status. */
  polled: number;
  /** Between two questions for details, which the server reads for ten seconds after each. */
  details: number;
}

const TIMING: MonitorTiming = { others: 10_000, polled: 2000, details: 5000 };
/** A status this young need not be asked for again, in ms. */
const YOUNG = 5000;
/** An agent of which nothing was heard for so long is not shown, in seconds. */
const FORGOTTEN = 86_400;

const UNHEARD: Omit<Machine, 'agent' | 'isOwn' | 'host' | 'username'> = {
  status: null,
  error: null,
  heardAt: -Infinity
};

export class GpuMonitor implements IDisposable {
  private own: Machine = { agent: '', isOwn: true, host: '', username: '', ...UNHEARD };
  private readonly others = new Map<string, Machine>();
  private watchers = 0;
  private watchersOfAll = 0;
  private watchersOfDetails = 0;
  private following: IDisposable | null = null;
  private checking: ReturnType<typeof setInterval> | undefined;
  private asking: ReturnType<typeof setInterval> | undefined;
  private detailing: ReturnType<typeof setInterval> | undefined;
  private readonly ownPace: Pace;
  private readonly agentsPace = new Pace(() => this.loadAgents(), 100, 5000);
  private readonly lifetime = new AbortController();
  private readonly _changed = new Signal<this, void>(this);
  private readonly _sampled = new Signal<this, GpuStatus>(this);
  private readonly timing: MonitorTiming;

  constructor(
    private readonly api: Api,
    private readonly events: Events,
    timing: Partial<MonitorTiming> = {}
  ) {
    this.timing = { ...TIMING, ...timing };
    this.ownPace = new Pace(() => this.load(''), 50, this.timing.polled);
  }

  /** The server's own first, then the others by name. */
  get machines(): readonly Machine[] {
    const others = [...this.others.values()].sort((one, other) => one.host.localeCompare(other.host));
    return [this.own, ...others];
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Each status that comes, of whatever agent. */
  get sampled(): ISignal<this, GpuStatus> {
    return this._sampled;
  }

  get isDisposed(): boolean {
    return this.lifetime.signal.aborted;
  }

  /** Keep the server's own machine current until the answer is disposed. */
  watch(): IDisposable {
    this.watchers += 1;
    this.checking ??= setInterval(() => this.check(), this.timing.others);
    this.following ??= this.events.follow(['gpu'], news => this.onNews(news));
    if (this.isOutdated) {
      this.ownPace.request();
    }
    return new DisposableDelegate(() => {
      this.watchers -= 1;
      if (this.watchers === 0) {
        this.following?.dispose();
        this.following = null;
        clearInterval(this.checking);
        this.checking = undefined;
      }
    });
  }

  /** Keep all machines current until the answer is disposed. */
  watchAll(): IDisposable {
    const own = this.watch();
    const agents = this.events.follow(['agents'], () => this.agentsPace.request());
    this.watchersOfAll += 1;
    this.agentsPace.request();
    this.asking ??= setInterval(() => this.askOthers(), this.timing.others);
    return new DisposableDelegate(() => {
      own.dispose();
      agents.dispose();
      this.watchersOfAll -= 1;
      if (this.watchersOfAll === 0) {
        clearInterval(this.asking);
        this.asking = undefined;
      }
    });
  }

  /** Have details (PCIe traffic) of the server's own GPUs in every status until the answer is disposed. */
  watchDetails(): IDisposable {
    this.watchersOfDetails += 1;
    if (this.detailing === undefined) {
      void this.load('', true);
      this.detailing = setInterval(() => void this.load('', true), this.timing.details);
    }
    return new DisposableDelegate(() => {
      this.watchersOfDetails -= 1;
      if (this.watchersOfDetails === 0) {
        clearInterval(this.detailing);
        this.detailing = undefined;
      }
    });
  }

  /** Ask about `machine` now. */
  async reload(machine: Machine): Promise<void> {
    await this.load(machine.isOwn ? '' : machine.agent);
  }

  dispose(): void {
    this.lifetime.abort();
    this.following?.dispose();
    clearInterval(this.asking);
    clearInterval(this.checking);
    clearInterval(this.detailing);
    this.ownPace.dispose();
    this.agentsPace.dispose();
    Signal.clearData(this);
  }

  /** Samples have ceased to come although there is a connection: ask, as the sampler may have been given up. */
  private check(): void {
    if (this.events.link === 'connected' && this.isOutdated) {
      this.ownPace.request();
    }
  }

  private get isOutdated(): boolean {
    return performance.now() - this.own.heardAt > YOUNG;
  }

  private onNews(news: Told | 'resync'): void {
    if (news === 'resync') {
      if (this.isOutdated) {
        this.ownPace.request();
      }
    } else if (news.status !== undefined) {
      this.take(news.status);
    } else if (this.own.agent === '' || news.uid === this.own.agent) {
      this.ownPace.request();
    }
  }

  private async loadAgents(): Promise<void> {
    try {
      this.setAgents(await this.api.agents(this.lifetime.signal));
    } catch (reason) {
      if (!isAbort(reason)) {
        console.debug('aiplat: the agents are not known.', reason);
      }
    }
  }

  private setAgents(agents: readonly Agent[]): void {
    const newest = Math.max(...agents.map(agent => agent.seen_at));
    const heard = agents.filter(({ is_own, seen_at }) => is_own || newest - seen_at < FORGOTTEN);
    const shown = oneOfEachMachine(heard).filter(({ is_own }) => !is_own);
    const uids = new Set(shown.map(agent => agent.uid));
    [...this.others.keys()].filter(uid => !uids.has(uid)).forEach(uid => this.others.delete(uid));
    const fresh = shown.filter(agent => !this.others.has(agent.uid));
    fresh.forEach(({ uid, machine, username }) => {
      this.others.set(uid, { agent: uid, isOwn: false, host: machine, username, ...UNHEARD });
    });
    fresh.forEach(agent => void this.load(agent.uid));
    this._changed.emit();
  }

  private askOthers(): void {
    if (document.visibilityState === 'visible') {
      [...this.others.keys()].forEach(uid => void this.load(uid));
    }
  }

  private async load(agent: string, details = false): Promise<void> {
    try {
      this.take(await this.api.gpuStatus(agent, this.lifetime.signal, details));
    } catch (reason) {
      if (!isAbort(reason)) {
        this.fail(agent, asApiError(reason));
      }
    }
  }

  private take(status: GpuStatus): void {
    const { agent, host, username, is_own: isOwn } = status;
    const heard = { status, error: null, heardAt: performance.now() };
    if (isOwn) {
      this.own = { agent, isOwn, host, username, ...heard };
    } else if (this.others.has(agent)) {
      this.others.set(agent, { agent, isOwn, host, username, ...heard });
    } else {
      return;
    }
    this._sampled.emit(status);
    this._changed.emit();
  }

  private fail(agent: string, error: ApiError): void {
    const machine = this.others.get(agent);
    if (agent === '') {
      this.own = { ...this.own, error };
    } else if (machine !== undefined) {
      this.others.set(agent, { ...machine, error });
    }
    this._changed.emit();
  }
}

/** Accounts that share a machine see the same GPUs: one of them tells of it, the own if it is there. */
function oneOfEachMachine(agents: readonly Agent[]): Agent[] {
  const worth = ({ is_own, is_alive }: Agent): number => Number(is_own) * 2 + Number(is_alive);
  const found = new Map<string, Agent>();
  for (const agent of agents) {
    const known = found.get(agent.machine);
    if (known === undefined || worth(agent) > worth(known)) {
      found.set(agent.machine, agent);
    }
  }
  return [...found.values()];
}
