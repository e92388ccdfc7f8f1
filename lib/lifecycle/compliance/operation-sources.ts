import type { Place } from '../checklist/facts.ts';
import { day, figure, fileOf } from './evidence-of.ts';
import type { Source } from './facts.ts';

/** What versions, rollouts and monitoring can show. Every text states what was found, and no more. */

export const VERSIONS: Source = {
  what: 'versions and their order (registrations)',
  find: ({ versions }) =>
    versions.map(({ model, version, candidate, at, commit }, index) => ({
      text: `${model} v${version} registered on ${day(at)} from commit ${commit.slice(0, 12)}${index === 0 ? ', the first' : `, after v${versions[index - 1]?.version}`}`,
      at: { kind: 'registration', version },
      digest: candidate,
    })),
};

export const APPROVALS: Source = {
  what: "approvals of the newest version's candidate",
  find: ({ newest }) =>
    (newest?.approvals.candidate ?? []).map(({ login, roles, at, url, digest }) => ({
      text: `${login}${roles.length > 0 ? ` as ${roles.join(', ')}` : ''} approved the candidate on ${day(at)}`,
      ...{ at: { kind: 'url', url } as Place, digest },
    })),
};

export const OVERRIDES: Source = {
  what: null,
  find: ({ newest }) =>
    (newest?.overrides ?? []).map(({ gate, verdict, people, reason, at, url, candidate }) => ({
      text: `gate ${gate} (${verdict}) passed by override of ${people.join(', ')} on ${day(at)}: ${reason}`,
      ...{ at: { kind: 'url', url } as Place, digest: candidate },
    })),
};

export const SERVED: Source = {
  what: 'form in which it is put into service (deployment records)',
  find: ({ rollouts }) =>
    rollouts.map(({ environment, n, release, target, phase }) => ({
      text: `v${release.version} to ${environment} by ${target.kind}, bundle ${release.bundle.slice(7, 23)}: ${phase}`,
      at: { kind: 'deployment', environment, n },
      digest: release.bundle,
    })),
};

export const CANARY: Source = {
  what: 'analysis of a rollout in steps (deployment records)',
  find: ({ rollouts }) =>
    rollouts
      .filter(({ history }) => history.some(({ phase }) => phase === 'progressing'))
      .map(({ environment, n, release, history }) => ({
        text: `v${release.version} in ${environment}: ${history.map(({ phase, verdict }) => `${phase}${verdict === null ? '' : ` ${verdict}`}`).join(', ')}`,
        ...{ at: { kind: 'deployment', environment, n } as Place, digest: release.candidate },
      })),
};

export const ROLLBACKS: Source = {
  what: null,
  find: ({ rollouts, freezes }) => [
    ...rollouts
      .filter(({ phase, rollback }) => phase === 'rolled-back' || phase === 'aborted' || rollback !== null)
      .map(({ environment, n, release, phase, rollback, history }) => ({
        text: `v${release.version} in ${environment}: ${rollback ? `rollback by ${rollback.login}` : phase}, ${history.at(-1)?.note ?? ''}`,
        ...{ at: { kind: 'deployment', environment, n } as Place, digest: release.candidate },
      })),
    ...freezes.map(({ version, login, at, url, candidate, lifted }) => ({
      text: `v${version} frozen by ${login} on ${day(at)}${lifted ? `, lifted by ${lifted.login}: ${lifted.reason}` : ''}`,
      ...{ at: { kind: 'url', url } as Place, digest: candidate },
    })),
  ],
};

export const MONITORING: Source = {
  what: 'windows of live traffic that were looked at (monitoring records)',
  find: ({ windows }) =>
    windows.map(({ record, result }) => {
      const labels = result ? `, ${result.labels.labelled} of ${result.labels.matured} labels` : '';
      return {
        text: `${record.environment} as of ${day(record.as_of)}: error ${record.decay}, inputs ${record.drift}${labels}`,
        ...{ at: { kind: 'window', record } as Place, digest: record.monitor },
      };
    }),
};

export const MONITORING_RULES: Source = {
  what: 'what is watched, and how (operate.yml)',
  find: ({ model, operate }) =>
    model === null || operate === null
      ? []
      : [
          fileOf(
            model,
            'operate.yml',
            `windows of ${operate.monitoring.window}; a column has drifted over a PSI of ${operate.monitoring.drift.psi}, false discoveries at most ${figure(operate.monitoring.drift.fdr * 100)} %`,
            null,
          ),
        ],
};

export const RETRAINING_RULES: Source = {
  what: 'pre-determined rules of retraining (operate.yml)',
  find: ({ model, operate }) =>
    model === null
      ? []
      : (operate?.retraining.triggers ?? []).map(({ metric, worse_than, by }) =>
          fileOf(
            model,
            'operate.yml',
            `retrain where ${metric} is worse than the ${worse_than}${by === '0%' ? '' : ` by ${by}`}`,
            null,
          ),
        ),
};

export const RETRAINING_DECISIONS: Source = {
  what: 'decisions on retraining (monitoring records)',
  find: ({ windows }) =>
    windows.flatMap(({ record }) =>
      record.decision === null || record.retrain === null
        ? []
        : [
            {
              text: `as of ${day(record.as_of)}: ${record.decision === 'open' ? 'a retraining was opened' : 'no retraining'}`,
              ...{ at: { kind: 'evidence', digest: record.retrain } as Place, digest: record.retrain },
            },
          ],
    ),
};

export const AUDIT: Source = {
  what: 'audit log',
  find: ({ audit }) =>
    audit === null
      ? []
      : [
          {
            text: `${audit.entries} entries from ${day(audit.from)} to ${day(audit.until)}; \`roundhouse audit verify\` checks the chain`,
            ...{ at: { kind: 'record', path: audit.path } as Place, digest: null },
          },
        ],
};
