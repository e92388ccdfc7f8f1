import type { Data, Unit } from './data.ts';
import type { Split } from './data-split.ts';
import { durationMs } from './duration.ts';
import type { Model } from './model.ts';
import type { Operate } from './operate.ts';
import type { Gate, Problem, Slice } from './problem.ts';
import type { Margin } from './scalars.ts';

/** The files that say how strictly a model is judged. */
export type JudgingFiles = { problem: Problem; data: Data; model: Model; operate: Operate };

/** One change after which less has to be true. It needs the approvers of the problem. */
export type Loosening = {
  file: 'problem.yml' | 'data.yml' | 'model.yml' | 'operate.yml';
  where: string;
  before: string;
  after: string;
};

/**
 * What a change loosens, computed from both states and never declared. A change that can't be compared (another
 * metric, a share in place of a number) counts as loosening: whoever tightens can say so to the approvers.
 */
export function looseningsOf(before: JudgingFiles, after: JudgingFiles): Loosening[] {
  return [
    ...ofSuccess(before.problem, after.problem),
    ...ofGates(before.problem, after.problem),
    ...ofRows(before.problem, after.problem),
    ...ofSize(before.problem, after.problem),
    ...ofData(before.data, after.data),
    ...ofModel(before.model, after.model),
    ...ofOperate(before.operate, after.operate),
  ];
}

function ofSuccess(before: Problem, after: Problem): Loosening[] {
  return before.success.flatMap((old) => {
    const now = after.success.find(({ metric, slice }) => metric === old.metric && isSame(slice, old.slice));
    const rows = old.slice === null ? '' : ` where ${old.slice.column} = ${old.slice.value}`;
    const where = `success: ${old.metric}${rows}`;
    if (!now) return [changed('problem.yml', where, old.threshold, 'removed')];
    const turned = now.direction !== old.direction;
    const looser =
      old.direction === 'minimize' ? now.threshold > old.threshold : now.threshold < old.threshold;
    return turned || looser ? [changed('problem.yml', where, old.threshold, now.threshold)] : [];
  });
}

function ofGates(before: Problem, after: Problem): Loosening[] {
  return before.gates.flatMap((old) => {
    const now = after.gates.find(({ name }) => name === old.name);
    const where = `gates: ${old.name}`;
    if (!now) return [changed('problem.yml', where, old.kind, 'removed')];
    return isLooserGate(old, now) ? [changed('problem.yml', where, gateText(old), gateText(now))] : [];
  });
}

const STRICTNESS = ['pass', 'ask', 'block'] as const;

function isLooserGate(old: Gate, now: Gate): boolean {
  if (now.kind !== old.kind || now.metric !== old.metric || now.on !== old.on) return true;
  if (STRICTNESS.indexOf(now.on_inconclusive) < STRICTNESS.indexOf(old.on_inconclusive)) return true;
  if (old.kind === 'threshold' && now.kind === 'threshold') {
    if (!isSame(old.slice, now.slice)) return true;
    const wider = (a: number | undefined, b: number | undefined) =>
      a !== undefined && (b === undefined || b > a);
    return wider(old.at_most, now.at_most) || wider(negated(old.at_least), negated(now.at_least));
  }
  if (old.kind === 'threshold' || now.kind === 'threshold') return true;
  if (now.than !== old.than) return true;
  if (old.kind === 'not_worse_than' && now.kind === 'not_worse_than') return isWider(old.by, now.by);
  return false;
}

function isSame(one: Slice | null, other: Slice | null): boolean {
  if (one === null || other === null) return one === other;
  return one.column === other.column && String(one.value) === String(other.value);
}

function negated(value: number | undefined): number | undefined {
  return value === undefined ? undefined : -value;
}

function isWider(old: Margin, now: Margin): boolean {
  if (typeof old !== typeof now) return true;
  return Number.parseFloat(String(now)) > Number.parseFloat(String(old));
}

function gateText({ name: _name, ...rule }: Gate): string {
  return JSON.stringify(rule);
}

function ofRows({ data: { min_rows: old } }: Problem, { data: { min_rows: now } }: Problem): Loosening[] {
  return now < old ? [changed('problem.yml', 'data.min_rows', old, now)] : [];
}

function ofSize({ constraints: { size_mb: old } }: Problem, after: Problem): Loosening[] {
  const { size_mb: now } = after.constraints;
  const looser = old !== null && (now === null || now > old);
  return looser ? [changed('problem.yml', 'constraints.size_mb', old, now ?? 'removed')] : [];
}

function ofData(before: Data, after: Data): Loosening[] {
  const found: Loosening[] = [];
  if (isLooserSplit(before.split, after.split))
    found.push(changed('data.yml', 'split', before.split, after.split));
  if (isLooserUnit(before.unit, after.unit)) found.push(changed('data.yml', 'unit', before.unit, after.unit));
  const [old, now] = [before.holdout.max_looks, after.holdout.max_looks];
  if (now > old) found.push(changed('data.yml', 'holdout.max_looks', old, now));
  return found;
}

function isLooserSplit(old: Split, now: Split): boolean {
  if (old.by === 'time' && now.by === 'time') {
    const shorter = (key: 'recent' | 'embargo') => durationMs(now[key]) < durationMs(old[key]);
    return shorter('recent') || shorter('embargo');
  }
  return old.by !== 'key' || now.by !== 'key' || now.recent < old.recent;
}

/** Smaller units make intervals narrower than the data allow. */
function isLooserUnit(old: Unit, now: Unit): boolean {
  if (old === 'row') return false;
  if (now === 'row') return true;
  if ('block' in old && 'block' in now) return durationMs(now.block) < durationMs(old.block);
  return !('group' in old && 'group' in now && old.group === now.group);
}

/** With a refit the bytes that serve are no longer the bytes that were judged. */
function ofModel(before: Model, after: Model): Loosening[] {
  const looser = before.refit === 'none' && after.refit === 'full';
  return looser ? [changed('model.yml', 'refit', before.refit, after.refit)] : [];
}

function ofOperate(before: Operate, after: Operate): Loosening[] {
  const [old, now] = [before.deployment.strategy, after.deployment.strategy];
  const where = 'deployment.strategy';
  const found = (['max_error_rate', 'max_latency_p95_ms'] as const)
    .filter((check) => now.checks[check] > old.checks[check])
    .map((check) => changed('operate.yml', `${where}.checks.${check}`, old.checks[check], now.checks[check]));
  const fewer = now.steps.length < old.steps.length;
  const lighter = old.steps.some((step, index) => {
    const other = now.steps[index];
    return other !== undefined && (other.min_requests < step.min_requests || other.weight > step.weight);
  });
  if (fewer || lighter) found.push(changed('operate.yml', `${where}.steps`, old.steps, now.steps));
  return found;
}

function changed(file: Loosening['file'], where: string, before: unknown, after: unknown): Loosening {
  const text = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value));
  return { file, where, before: text(before), after: text(after) };
}
