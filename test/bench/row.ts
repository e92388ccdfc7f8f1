/** One figure of a bench. `ratio`: how many times better than the peer; null where nobody else does it. */
export type BenchRow = {
  name: string;
  row: string;
  ours: number;
  peer: number | null;
  ratio: number | null;
  unit: string;
  runs: number;
};

/** `note` says what is being done, for a person who waits. */
export type Bench = (note: (text: string) => void) => Promise<BenchRow[]>;
