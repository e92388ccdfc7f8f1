import type { Happening, RepositoryFacts } from '#lib/github/facts.ts';
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
  handle: (project: Project, happening: Of<Name>) => Promise<void>;
}) => void;

export type { RepositoryFacts };
