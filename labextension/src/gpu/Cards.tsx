/** A card for each GPU: what it does now, and what is the matter with it. */

import { useEffect, useState, type JSX } from 'react';

import { bytes } from '../format';
import type { Trans } from '../i18n';
import type { GpuDevice, GpuReading } from '../records';
import { gibText, percentText, share, wholeText, withUnit } from './figures';
import { deviceLevel, isFault, memoryLevel, temperatureLevel, worst, type Level } from './level';
import { Absent, Figure, Meter } from './Meter';
import type { GpuMonitor } from './monitor';
import { faults, memoryWord, numberOf } from './summary';
import { absence, absenceOf, holders, throttleWord } from './words';

interface Props {
  readonly devices: readonly GpuDevice[];
  readonly label: string;
  /** What reads details while they are shown; null: they cannot be had, as on another machine. */
  readonly monitor: GpuMonitor | null;
  readonly trans: Trans;
}

export function Cards({ devices, label, monitor, trans }: Props): JSX.Element {
  return (
    <div className="aiplat-GpuCards" role="list" aria-label={label}>
      {devices.map(device => (
        <Card key={device.uuid} {...{ device, devices, monitor, trans }} />
      ))}
    </div>
  );
}

interface CardProps {
  readonly device: GpuDevice;
  readonly devices: readonly GpuDevice[];
  readonly monitor: GpuMonitor | null;
  readonly trans: Trans;
}

function Card({ device, devices, monitor, trans }: CardProps): JSX.Element {
  const [isOpen, setOpen] = useState(false);
  const found = faults(device, trans);
  const who = holders(device, trans).join(', ');
  const number = numberOf(device, devices);
  return (
    <article role="listitem" className="aiplat-GpuCard" aria-label={`${number} ${device.name}`}>
      <h3 title={`${device.name}\n${device.uuid}`}>
        <span className="aiplat-GpuIndex">{number}</span>
        <span className="aiplat-Name">{device.name}</span>
        {device.state === 'lost' && <span className="aiplat-GpuLost">✕ {trans.__('lost')}</span>}
      </h3>
      <p className="aiplat-GpuWho" title={who}>
        {who === '' ? use(device, devices, trans) : who}
      </p>
      <Bars {...{ device, devices, trans }} />
      <Facts device={device} trans={trans} />
      {isOpen && <Details {...{ device, monitor, trans }} />}
      <button
        type="button"
        className="aiplat-ChartLink aiplat-GpuDetails"
        aria-expanded={isOpen}
        aria-label={trans.__('Details of GPU %1', number)}
        onClick={() => setOpen(!isOpen)}
      >
        {isOpen ? trans.__('Less') : trans.__('Details')}
      </button>
      <ul className="aiplat-GpuTroubles" data-level={deviceLevel(device)}>
        {found.map(text => (
          <li key={text}>⚠ {text}</li>
        ))}
      </ul>
    </article>
  );
}

/** What a GPU is for that nobody holds, as far as that can be known. */
function use(device: GpuDevice, devices: readonly GpuDevice[], trans: Trans): string {
  const { state, utilization, processes_reason: reason } = device;
  if (devices.some(({ parent }) => parent === device.uuid)) {
    return trans.__('split into instances');
  }
  return state === 'ok' && reason === '' && utilization.reason !== 'timeout' ? trans.__('free') : '';
}

function Bars({ device, devices, trans }: Omit<CardProps, 'monitor'>): JSX.Element {
  const { utilization, memory_used: used, memory_total: total } = device;
  const memory = `${gibText(used.value ?? 0)} / ${gibText(total.value ?? 0)} GiB`;
  return (
    <>
      <Bar
        word={trans.__('Utilization')}
        value={
          <Figure
            reading={utilization}
            text={percentText(utilization.value)}
            why={absenceOf(device, utilization, devices, trans)}
            trans={trans}
          />
        }
        share={share(utilization.value, 100)}
        level="normal"
      />
      <Bar
        word={memoryWord(device, trans)}
        value={<Figure reading={used.value === null ? used : total} text={memory} trans={trans} />}
        share={share(used.value, total.value)}
        level={memoryLevel(used.value, total.value)}
      />
    </>
  );
}

function Bar(props: { word: string; value: JSX.Element; share: number | null; level: Level }): JSX.Element {
  return (
    <div className="aiplat-GpuBar">
      <span className="aiplat-GpuBarWord">{props.word}</span>
      <span className="aiplat-GpuBarValue">
        {props.level === 'normal' ? '' : '⚠ '}
        {props.value}
      </span>
      <Meter share={props.share} level={props.level} />
    </div>
  );
}

/** The smaller readings; those that a GPU lacks by nature are left to the hover of their dash. */
function Facts({ device, trans }: { device: GpuDevice; trans: Trans }): JSX.Element {
  const {
    temperature,
    temperature_limit: hottest,
    power,
    power_limit: most,
    fan,
    ecc_uncorrected: ecc
  } = device;
  const of = (reading: GpuReading, limit: GpuReading, unit: string): string =>
    limit.value === null ? withUnit(reading, unit) : `${wholeText(reading.value)} / ${withUnit(limit, unit)}`;
  const isPart = device.parent !== null;
  return (
    <dl className="aiplat-GpuFacts">
      <Fact
        word={trans.__('Temperature')}
        reading={temperature}
        text={of(temperature, hottest, '°C')}
        level={temperatureLevel(device)}
        {...{ isPart, trans }}
      />
      <Fact word={trans.__('Power')} reading={power} text={of(power, most, 'W')} {...{ isPart, trans }} />
      <Fact
        word={trans.__('Clock')}
        reading={device.clock_sm}
        text={withUnit(device.clock_sm, 'MHz')}
        {...{ isPart, trans }}
      />
      <Fact
        word={trans.__('Memory clock')}
        reading={device.clock_memory}
        text={withUnit(device.clock_memory, 'MHz')}
        {...{ isPart, trans }}
      />
      <Fact word={trans.__('Fan')} reading={fan} text={percentText(fan.value)} {...{ isPart, trans }} />
      <Fact
        word={trans.__('Memory errors')}
        reading={ecc}
        text={String(ecc.value)}
        level={(ecc.value ?? 0) > 0 ? 'warning' : 'normal'}
        {...{ isPart, trans }}
      />
      {device.state === 'ok' && device.parent === null && <Speed device={device} trans={trans} />}
    </dl>
  );
}

/** What few look at: it is read only while somebody does, as it takes the driver some time. */
function Details({ device, monitor, trans }: Omit<CardProps, 'devices'>): JSX.Element {
  useEffect(() => {
    const watching = monitor?.watchDetails();
    return () => watching?.dispose();
  }, [monitor]);
  const { pcie_received: received, pcie_sent: sent, memory_reserved: reserved } = device;
  const speed = ({ value }: GpuReading): string => trans.__('%1/s', bytes(value ?? 0));
  return (
    <dl className="aiplat-GpuFacts">
      {monitor !== null && device.parent === null && (
        <>
          <Fact word={trans.__('PCIe received')} reading={received} text={speed(received)} trans={trans} />
          <Fact word={trans.__('PCIe sent')} reading={sent} text={speed(sent)} trans={trans} />
        </>
      )}
      <Fact
        word={trans.__('Reserved memory')}
        reading={reserved}
        text={bytes(reserved.value ?? 0)}
        trans={trans}
      />
      <div data-wide="true">
        <dt>UUID</dt>
        <dd className="aiplat-GpuUuid" title={device.uuid}>
          {device.uuid}
        </dd>
      </div>
    </dl>
  );
}

/** What holds its clocks back, as far as the driver answers. */
function Speed({ device, trans }: { device: GpuDevice; trans: Trans }): JSX.Element {
  const { throttle, utilization } = device;
  const level = worst(...throttle.map(reason => (isFault(reason) ? 'warning' : 'normal')));
  const words = throttle.map(reason => throttleWord(reason, trans));
  return (
    <div data-wide="true">
      <dt>{trans.__('Speed')}</dt>
      <dd data-level={level} title={words.join(', ')}>
        {level === 'normal' ? '' : '⚠ '}
        {utilization.reason === 'timeout' ? (
          <Absent why={absence('timeout', trans)} />
        ) : words.length === 0 ? (
          trans.__('not held back')
        ) : (
          words.join(', ')
        )}
      </dd>
    </div>
  );
}

function Fact(props: {
  word: string;
  reading: GpuReading;
  text: string;
  level?: Level;
  /** Of an instance of a GPU, where what only the whole GPU tells is left out. */
  isPart?: boolean;
  trans: Trans;
}): JSX.Element | null {
  const { word, reading, text, level = 'normal', isPart = false, trans } = props;
  if (isPart && reading.value === null && reading.reason === 'not_supported') {
    return null;
  }
  return (
    <div>
      <dt title={word}>{word}</dt>
      <dd data-level={level}>
        {level === 'normal' ? '' : '⚠ '}
        <Figure reading={reading} text={text} trans={trans} />
      </dd>
    </div>
  );
}
