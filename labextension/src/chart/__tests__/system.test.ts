import { nullTranslator } from '@jupyterlab/translation';
import { describe, expect, it } from 'vitest';

import type { SeriesSummary } from '../../records';
import { curve, points } from '../../testing/curves';
import { isClock, lineName, placeOf, stripsOf, stripTitle, systemTitle } from '../system';

const trans = nullTranslator.load('aiplat_jupyter');

function summary(metric: string, context = 'clock'): SeriesSummary {
  return { ...curve(points([0, 1])).summary, metric, context };
}

const of = (...metrics: string[]): SeriesSummary[] => metrics.map(metric => summary(metric));

describe('strips', () => {
  it('show utilization and memory of one GPU together', () => {
    const [plan, ...others] = stripsOf(
      of('system/cpu', 'system/gpu.0.memory', 'system/gpu.0.power', 'system/gpu.0.util', 'system/memory')
    );
    expect(others).toEqual([]);
    expect(plan.metrics).toEqual(['system/gpu.0.util', 'system/gpu.0.memory']);
    expect(stripTitle(plan, trans)).toBe('GPU 0');
    expect(plan.metrics.map(metric => lineName(plan, { metric, context: 'clock' }, trans))).toEqual([
      'Utilization',
      'GPU memory'
    ]);
  });

  it('show several GPUs by their numbers', () => {
    const names = [10, 2, 0].flatMap(n => [`system/gpu.${n}.memory`, `system/gpu.${n}.util`]);
    const [utilization, memory] = stripsOf(of(...names));
    expect(utilization.metrics).toEqual(['system/gpu.0.util', 'system/gpu.2.util', 'system/gpu.10.util']);
    expect(memory.metrics).toEqual(['system/gpu.0.memory', 'system/gpu.2.memory', 'system/gpu.10.memory']);
    expect([utilization, memory].map(plan => stripTitle(plan, trans))).toEqual([
      'GPU utilization',
      'GPU memory'
    ]);
    expect(lineName(memory, { metric: 'system/gpu.10.memory', context: 'clock' }, trans)).toBe('GPU 10');
  });

  it('tell the same GPU of two machines apart', () => {
    const [utilization] = stripsOf([
      summary('system/gpu.0.util'),
      summary('system/gpu.0.util', 'clock,rank=8')
    ]);
    expect(utilization.kind).toBe('utilization');
    expect(lineName(utilization, { metric: 'system/gpu.0.util', context: 'clock,rank=8' }, trans)).toBe(
      'GPU 0 · rank=8'
    );
  });

  it('ask for no more GPUs than the server answers, and say so', () => {
    const [plan] = stripsOf(of(...Array.from({ length: 64 }, (_, n) => `system/gpu.${n}.util`)));
    expect(plan.metrics).toHaveLength(48);
    expect(stripTitle(plan, trans)).toBe('GPU utilization, first 48 of 64');
  });

  it('show CPU and memory of a machine without a GPU', () => {
    const [plan] = stripsOf(of('system/disk', 'system/memory', 'system/cpu'));
    expect(plan.metrics).toEqual(['system/cpu', 'system/memory']);
    expect(lineName(plan, { metric: 'system/memory', context: 'clock' }, trans)).toBe('Host memory');
  });

  it('are for what was read by the clock', () => {
    expect(stripsOf([summary('system/cpu', '')])).toEqual([]);
    expect(stripsOf([])).toEqual([]);
    expect([summary('x'), summary('x', 'clock,rank=1'), summary('x', 'rank=1')].map(isClock)).toEqual([
      true,
      true,
      false
    ]);
    expect(['clock', 'clock,rank=1', 'rank=1', ''].map(placeOf)).toEqual(['', 'rank=1', 'rank=1', '']);
  });
});

it('titles are words and carry the unit', () => {
  const names = [
    'cpu',
    'gpu.0:1.memory',
    'gpu.0.memory_used',
    'process.memory',
    'gpu.0.process_memory',
    'gpu.0.power'
  ];
  expect(names.map(name => systemTitle(`system/${name}`, trans))).toEqual([
    'CPU · %',
    'GPU 0:1 memory · %',
    'GPU 0 memory used · GiB',
    'Memory of this run · GiB',
    'GPU 0 memory of this run · GiB',
    'GPU 0 power · W'
  ]);
  expect(systemTitle('system/gpu.0.temperature', trans)).toBe('GPU 0 temperature · °C');
  expect(systemTitle('system/other', trans)).toBe('other');
  expect(systemTitle('system/gpu.0.other', trans)).toBe('gpu.0.other');
});
