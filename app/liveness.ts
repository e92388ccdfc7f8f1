/** So many rounds without a success are no bad luck any more: half an hour on GitHub, a minute on one machine. */
const ROUNDS = 30;

export type Liveness = ReturnType<typeof createLiveness>;

/**
 * Whether the app does what it is there for. That it answers is not enough: a key that was revoked or a disk
 * that is full shows in rounds of reconciling that don't succeed any more.
 */
export function createLiveness({ roundMs, now }: { roundMs: number; now: () => Date }) {
  const started = now();
  let reconciled: Date | null = null;
  let error: string | null = null;
  return {
    succeeded(): void {
      reconciled = now();
      error = null;
    },
    failed(cause: unknown): void {
      error = cause instanceof Error ? cause.message : String(cause);
    },
    report() {
      const silentMs = now().getTime() - (reconciled ?? started).getTime();
      return {
        ok: silentMs <= ROUNDS * roundMs,
        detail: { reconciled_at: reconciled?.toISOString() ?? null, reconcile_error: error },
      };
    },
  };
}
