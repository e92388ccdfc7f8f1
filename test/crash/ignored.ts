/**
 * What the normal form of a world leaves out, each with the reason. Everything else is compared: a row, a file
 * or a ref more is a difference. Tokens of a form that holds an id, a time, a hash or an address are compared
 * where two crash-free runs had the same ones, and are blanks elsewhere (normal-form.ts).
 */
export const IGNORED_TABLES: Record<string, string> = {
  counters: 'the last id given out: ids are no effect',
  tokens: 'a restarted process asks for new ones',
  deliveries: 'a webhook that found nobody is not sent again; what it was about is compared',
  refs: 'which events were sent; the refs themselves are compared',
  verified: 'commits that GitHub signed, also those that a killed process made and no ref reaches',
  apps: 'its webhook address has the port of this run',
  workflows: 'one row per file, made with the first run; runs are compared',
};

/** Fields by table; `*` = in all of them. */
export const IGNORED_FIELDS: Record<string, Record<string, string>> = {
  '*': {
    updated_at: 'a comment or issue may be brought to the same text twice',
  },
  repositories: { pushed_at: 'state records are committed in bursts of different sizes' },
  runs: {
    claimed_by: 'the name of the machine',
    workflow_text: 'the same file, long',
    event_payload: 'the repository as it was at that second; inputs are compared',
    sha: 'the default branch at dispatch: a test merge of the same trees has a time in it',
    token_keys: 'one per job and start of the job runner',
    run_number: 'follows from the rows',
  },
  artifacts: { size: 'a zip of a text that has the id of its run in it' },
  releases: { size: 'of an asset that is compressed and names commits made at that second' },
  checks: {
    started_at: 'a time',
    completed_at: 'a time',
    details_url: 'names the run by id or the page of the pull request, whichever was known first',
  },
};

/** Refs that GitHub keeps by itself, and the one whose files are compared one by one. */
export const IGNORED_REFS: Record<string, RegExp> = {
  'test merges and heads of pull requests are made by GitHub': /^refs\/pull\//,
};

/** Rows of the table that the condition takes out. */
export const IGNORED_ROWS = {
  'checks of a head that its branch has left: how far they had come is a matter of speed': 'checks',
} as const;

/** Fields of a line of the audit log. */
export const IGNORED_AUDIT_FIELDS: Record<string, string> = {
  previous: 'the chain goes over times',
  seq: 'lines about the crash itself count too',
  at: 'a time',
};

/** Lines of the audit log that are about the crash itself. */
export const IGNORED_AUDIT_EVENTS: Record<string, string> = {
  'claim renewed': 'an effect that takes longer than a third of the lease renews it: a matter of speed',
  'claim taken over': 'a process that was started again says that it goes on with what it had claimed',
};

/** Files of the audit log: its lines are compared. */
export const IGNORED_AUDIT_FILES: Record<string, RegExp> = {
  'the head is of the last line, with its time': /^audit\/head\.json$/,
  'each process of a test has a key of its own': /^audit\/keys\//,
};

/** Fields of claims on branch `roundhouse`. */
export const IGNORED_CLAIM_FIELDS: Record<string, string> = {
  token: 'counts those who held the claim: one more after a crash',
};
