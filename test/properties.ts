import fc from 'fast-check';

/** A test run says the same each time; other seeds are for whoever looks for trouble: FC_SEED=1 npm test. */
fc.configureGlobal({ seed: Number(process.env.FC_SEED ?? 20_261_123) });
