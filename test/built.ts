import { ensureBuilt } from '../runners/local/build.ts';

/** Jobs in tests run the actions as users do: from their bundles. */
export default ensureBuilt;
