import type { ArtifactStore } from '#lib/store/store.ts';
import type { Exchange } from './stage.ts';

/** On a person's own machine, and in trusted runs: outputs go straight into the store. */
export function storeExchange(store: ArtifactStore): Exchange {
  return {
    put: (_name, bytes) => store.put(bytes),
    putFile: (_name, path) => store.putFile(path),
    get: (_name, digest) => store.get(digest),
    getFile: (_name, digest, path) => store.getFile(digest, path),
  };
}

/**
 * In a run that executes the user's code: outputs go to `incoming/<run>-<attempt>/`, and what another job of
 * the run left there is found by name. Objects that a plan names are read from the store.
 */
export function quarantineExchange(store: ArtifactStore, run: string): Exchange {
  const incoming = store.incoming(run);
  return {
    put: (name, bytes) => incoming.put(name, bytes),
    putFile: (name, path) => incoming.putFile(name, path),
    get: (name, digest) => incoming.get(name, digest),
    getFile: (name, digest, path) => incoming.getFile(name, digest, path),
  };
}
