/** How long to train: of two cores, well under a minute for fifty thousand rows. */
export type TrainingChoice = { epochs: number; batch: number; hidden: number[]; l2: number };

/** Steps of gradient descent after which the bike rides and the others of our sets learn nothing more. */
const STEPS = 2_800;

/** Batches grow with the rows, so that an epoch is about a hundred steps; epochs fill the steps up. */
export function chooseTraining(rows: number): TrainingChoice {
  const batch = Math.min(2_048, Math.max(32, 2 ** Math.round(Math.log2(rows / 100))));
  const epochs = Math.min(60, Math.max(8, Math.round(STEPS / (rows / batch))));
  const small = rows < 2_000;
  return { epochs, batch, hidden: small ? [16] : [64, 32], l2: small ? 0.001 : 0 };
}
