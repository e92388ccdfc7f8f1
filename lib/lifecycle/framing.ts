import type { ColumnFacts } from './columns.ts';
import type { Metric, Task } from './problem.ts';
import { UserError } from './user-error.ts';

/** Numbers with more values than this are predicted as numbers. */
const MOST_NUMBER_CLASSES = 20;
const MOST_CLASSES = 100;

export type TargetFacts = {
  column: Pick<ColumnFacts, 'name' | 'type' | 'kind' | 'distinct'>;
  /** The most frequent values with their rows, most frequent first; at most 101 of them. */
  classes: readonly { value: string; rows: number }[];
};

/** The kind of task that a target allows and asks for. Throws a UserError that says why one is impossible. */
export function decideTask({ column, classes }: TargetFacts, asked: Task['kind'] | null): Task['kind'] {
  const { name, kind, type, distinct } = column;
  const refuse = (message: string, fix: string) => new UserError(`"${name}" ${message}`, { fix });
  if (kind === 'time')
    throw refuse(`is ${type}, and a time is not predicted`, 'give a number or a class as --target');
  if (distinct < 2)
    throw refuse(
      distinct === 0 ? 'has no value in any row' : `has one class only: "${classes[0]?.value}"`,
      'give a --target that differs between rows',
    );
  if (asked === 'regression') {
    if (kind === 'number') return asked;
    throw refuse(`is ${type}, and a regression predicts a number`, 'give --task binary or multiclass');
  }
  if (asked === 'binary' && distinct !== 2)
    throw refuse(
      `has ${distinct} values, and a binary target has two`,
      'give --task multiclass, or make two classes of it before',
    );
  if (asked !== null || distinct === 2 || kind !== 'number' || distinct <= MOST_NUMBER_CLASSES) {
    if (distinct > MOST_CLASSES)
      throw refuse(
        `has ${distinct} different values: too many for classes`,
        kind === 'number' ? 'give --task regression' : 'give another --target, or group its values before',
      );
    return asked ?? (distinct === 2 ? 'binary' : 'multiclass');
  }
  return 'regression';
}

const MEANS_YES = ['yes', 'true', '1', 'y', 't', 'positive', 'ja', 'oui', 'si', '1.0'];

/** Which of two classes is the positive one, and why. Throws a UserError where `asked` is none of them. */
export function decidePositive(
  { column, classes }: TargetFacts,
  asked: string | null,
): { value: string; reason: string } {
  const values = classes.map(({ value }) => value);
  if (asked !== null) {
    const found = values.find((value) => value === asked) ?? values.find((value) => sameNumber(value, asked));
    if (found !== undefined) return { value: found, reason: 'as you said' };
    throw new UserError(`"${column.name}" has no value "${asked}"; it has: ${values.join(', ')}`, {
      fix: 'give one of them as --positive',
    });
  }
  const yes = values.find((value) => MEANS_YES.includes(value.trim().toLowerCase()));
  if (yes !== undefined) return { value: yes, reason: 'it says yes' };
  const [first, second] = [...classes].sort((a, b) => a.rows - b.rows || (a.value < b.value ? 1 : -1));
  const reason =
    first?.rows === second?.rows ? 'both are as frequent, and it comes last' : 'it is the rarer one';
  return { value: first?.value ?? '', reason };
}

function sameNumber(one: string, other: string): boolean {
  return one.trim() !== '' && other.trim() !== '' && Number(one) === Number(other);
}

export type Success = {
  metric: Metric;
  direction: 'minimize' | 'maximize';
  /** What the trivial answer reaches. */
  trivial: number;
  threshold: number;
  reason: string;
};

/** Of the way from the trivial answer to a perfect one: what a model has to come at least to be worth its keep. */
const LEAST_WAY = 0.1;
/** The rarer class, or all but the most frequent one, in fewer rows than this: accuracy says little. */
const BALANCED = 0.35;

/** `trivialError`: mean absolute error of always answering the median. */
export function decideSuccess(
  kind: Task['kind'],
  { classes }: Pick<TargetFacts, 'classes'>,
  trivialError: number,
): Success {
  if (kind === 'regression')
    return {
      ...{ metric: 'mae', direction: 'minimize', trivial: trivialError },
      threshold: rounded(trivialError * (1 - LEAST_WAY)),
      reason: 'a tenth less than the mean absolute error of always answering the median',
    };
  const rows = classes.reduce((sum, one) => sum + one.rows, 0);
  const shares = classes.map((one) => one.rows / rows);
  const most = Math.max(...shares);
  if (1 - most >= BALANCED)
    return {
      ...{ metric: 'accuracy', direction: 'maximize', trivial: most },
      threshold: rounded(most + LEAST_WAY * (1 - most)),
      reason: 'a tenth fewer errors than always answering the most frequent class',
    };
  const rare = `${((1 - most) * 100).toPrecision(2)} % of the rows are not of the most frequent class, so accuracy would say little`;
  if (kind === 'binary')
    return {
      ...{ metric: 'auc', direction: 'maximize', trivial: 0.5 },
      threshold: 0.5 + LEAST_WAY / 2,
      reason: `${rare}; 0.5 is guessing`,
    };
  const entropy = -shares.reduce((sum, share) => sum + share * Math.log(share), 0);
  return {
    ...{ metric: 'log_loss', direction: 'minimize', trivial: entropy },
    threshold: rounded(entropy * (1 - LEAST_WAY)),
    reason: `${rare}; a tenth less than the log loss of answering the shares of the classes`,
  };
}

function rounded(value: number): number {
  return Number(value.toPrecision(3));
}
