import type { Happening } from '#lib/github/facts.ts';
import type { Project } from './project.ts';

type Kind = Happening['kind'];
type Of<Name extends Kind> = Extract<Happening, { kind: Name }>;

/**
 * How a feature says what it listens to. Its handler gets facts, not payloads, and has the repository for
 * itself while it runs; happenings with the same key that wait together are handled once.
 */
export type On = <Name extends Kind>(feature: {
  events: string[];
  kind: Name | Name[];
  key: (happening: Of<Name>) => string;
  /** Called at once, before the repository's other tasks have ended. */
  hear?: (project: Project, happening: Of<Name>) => void;
  handle: (project: Project, happening: Of<Name>) => Promise<void>;
}) => void;
