import type { Input } from '#lib/lifecycle/data-input.ts';
import type { NetworkCandidate } from '#lib/lifecycle/model.ts';

export function input(type: Input['type']): Input {
  return { from: 'request', type, meaning: '', unit: '' };
}

/** A linear candidate, or a network where `hidden` is given. */
export function candidate(
  changes: { hidden?: number[] } & Partial<Omit<NetworkCandidate, 'trainer'>> = {},
): NetworkCandidate {
  const { hidden, ...rest } = changes;
  const common = {
    name: 'c',
    epochs: 30,
    learning_rate: 0.05,
    batch_size: 64,
    l2: 0,
    loss: 'mse',
    ...rest,
  } as const;
  return hidden === undefined ? { ...common, trainer: 'linear' } : { ...common, trainer: 'mlp', hidden };
}
