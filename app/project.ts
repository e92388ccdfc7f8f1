import type { CommentFacts } from '#lib/github/facts.ts';
import type { Forge } from '#lib/github/forge.ts';
import type { StateBranch } from '#lib/github/state-branch.ts';
import type { ArtifactStore } from '#lib/store/store.ts';
import type { Troubles } from './troubles.ts';

export type Log = {
  info(fields: object, text: string): void;
  warn(fields: object, text: string): void;
  error(fields: object, text: string): void;
};

/** One repository that the app is installed on, with everything that a feature needs to work for it. */
export type Project = {
  owner: string;
  repo: string;
  defaultBranch: string;
  forge: Forge;
  state: StateBranch;
  /** The app's own login: what it wrote is told by it. */
  bot: string;
  /** Id of this installation of the app, kept over restarts: claims of a killed process are its own. */
  ownerId: string;
  /** The store that the policy names, opened from ROUNDHOUSE_STORE_<NAME>. */
  store(name: string): ArtifactStore;
  /** Tells the state branch how long to collect records before a commit. */
  setPace(seconds: number): void;
  /**
   * Comments that came by webhook since the last look, by id, as they were created: GitHub's API shows only the
   * newest text, and an edit within the second of the creation doesn't show.
   */
  heard: Map<number, CommentFacts>;
  /** What fails look after look. */
  troubles: Troubles;
  now(): Date;
  log: Log;
};
