/** One statement about the state that the demo must have reached. */
export type Expectation = { what: string; met: boolean; found: string };

/** Collects expectations; with `--ci` a miss makes the demo exit non-zero, without it is only told. */
export type Expectations = {
  expect(what: string, met: boolean, found: unknown): void;
  missed(): Expectation[];
  all(): readonly Expectation[];
};

export function expectations(): Expectations {
  const told: Expectation[] = [];
  return {
    expect(what, met, found) {
      told.push({ what, met, found: typeof found === 'string' ? found : JSON.stringify(found) });
    },
    missed: () => told.filter(({ met }) => !met),
    all: () => told,
  };
}
