import type { Command } from 'commander';
import { type Dialect, ENCODINGS } from '#lib/lifecycle/data-source.ts';
import { UserError } from '#lib/lifecycle/user-error.ts';

export type DialectOptions = Partial<
  Record<'delimiter' | 'encoding' | 'header' | 'quote' | 'decimal', string>
>;

/** Options that say how a CSV is written; what is not said is found out. */
export function withDialectOptions(command: Command): Command {
  return command
    .option('--delimiter <character>', 'what stands between the values of a CSV')
    .option('--encoding <encoding>', ENCODINGS.join(', '))
    .option('--header <yes-or-no>', 'whether the first line holds the names of the columns')
    .option('--quote <character>', 'what stands around values: ", \' or none')
    .option('--decimal <character>', 'what stands before the fraction of a number: . or ,');
}

export function dialectAsked({
  delimiter,
  encoding,
  header,
  quote,
  decimal,
}: DialectOptions): Partial<Dialect> {
  if (delimiter !== undefined && !/^[^\0\r\n\u0080-\uffff]$/.test(delimiter)) {
    throw new UserError(`--delimiter is "${delimiter}"`, {
      fix: "give one ASCII character, such as ';', or a tab as $'\\t'",
    });
  }
  const words = { yes: true, no: false } as const;
  const quotes = { '"': '"', "'": "'", none: '' } as const;
  const points = { '.': '.', ',': ',' } as const;
  const encodings = Object.fromEntries(ENCODINGS.map((each) => [each, each])) as Record<
    Dialect['encoding'],
    Dialect['encoding']
  >;
  return {
    ...(delimiter !== undefined && { delimiter }),
    ...(encoding !== undefined && { encoding: oneOf('encoding', encoding, encodings) }),
    ...(header !== undefined && { header: oneOf('header', header, words) }),
    ...(quote !== undefined && { quote: oneOf('quote', quote, quotes) }),
    ...(decimal !== undefined && { decimal: oneOf('decimal', decimal, points) }),
  };
}

function oneOf<Value>(option: string, said: string, values: Readonly<Record<string, Value>>): Value {
  if (Object.hasOwn(values, said)) return values[said] as Value;
  throw new UserError(`--${option} is "${said}"`, { fix: `give one of: ${Object.keys(values).join(' ')}` });
}
