/** Fewer than the rounds after which /health says that nothing succeeds any more. */
export const MAX_TRIES = 20;
/** The newest of them are told. */
const TOLD = 20;

export type Troubles = ReturnType<typeof createTroubles>;

/**
 * What fails look after look, by name, such as `acme/bikes#3 comment 17`. It is tried so many times and then given
 * up, so that one thing that can't succeed doesn't hold back all that came after it.
 */
export function createTroubles() {
  const failing = new Map<string, number>();
  const givenUp = new Map<string, string>();
  return {
    /** True where it has now failed too often. */
    failed(name: string): boolean {
      const times = (failing.get(name) ?? 0) + 1;
      failing.set(name, times);
      return times >= MAX_TRIES;
    },
    succeeded(name: string): void {
      failing.delete(name);
    },
    giveUp(name: string, reason: string): void {
      failing.delete(name);
      givenUp.set(name, reason);
    },
    givenUp: (): number => givenUp.size,
    report() {
      return {
        failing: Object.fromEntries([...failing].slice(-TOLD)),
        given_up: Object.fromEntries([...givenUp].slice(-TOLD)),
      };
    },
  };
}
