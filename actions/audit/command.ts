import process from 'node:process';
import { type Command, Option } from 'commander';
import { AUDIT_FORMATS, type AuditFormat, renderEntries } from '#lib/formats/audit-export.ts';
import { type AuditFilter, isWanted } from '#lib/lifecycle/audit.ts';
import { UserError } from '#lib/lifecycle/user-error.ts';
import { readAuditEntries } from '#lib/records/audit-log.ts';
import { loadTemplate } from '../../templates/load.ts';
import { withCheckoutRecords } from '../kit/checkout-records.ts';
import { endWith, jsonText } from '../terminal.ts';
import { anchorsOfFile, anchorsOnGitHub } from './anchors.ts';
import { toldReport, verifyAudit } from './verify.ts';

type VerifyOptions = { anchors?: string; github?: boolean; repo?: string; json?: boolean };
type ExportOptions = {
  format: AuditFormat;
  since?: string;
  until?: string;
  actor?: string;
  event?: string;
  model?: string;
  all?: boolean;
};

/** `roundhouse audit`: whether the log was tampered with, and the log in forms that other programs read. */
export function auditCommand(program: Command): void {
  const audit = program.command('audit').description('check the audit log, and hand it out');
  audit
    .command('verify')
    .description('find every edit, removal, reordering or cut of the audit log, and say where')
    .option('--anchors <file>', 'signed heads from elsewhere, such as audit-head.json of a release')
    .option('--github', 'ask GitHub for the heads in releases, deployments and comments (GITHUB_TOKEN)')
    .option('--repo <owner/name>', 'the repository on GitHub (default: the origin of this clone)')
    .option('--json', 'one JSON object on standard output')
    .action((options: VerifyOptions) => endWith(() => verify(options)));
  audit
    .command('export')
    .description('print the audit log, oldest entry first')
    .addOption(new Option('--format <name>', 'form').choices(AUDIT_FORMATS).default('jsonl'))
    .option('--since <time>', 'from this day or instant on')
    .option('--until <time>', 'up to this day (all of it) or instant')
    .option('--actor <login>', 'what this person or app did')
    .option('--event <text>', 'events that hold this text, such as approved')
    .option('--model <name>', 'what is about this model')
    .option('--all', 'also the bookkeeping of claims')
    .action((options: ExportOptions) => endWith(() => exportLog(options)));
}

async function verify({ anchors, github, repo, json }: VerifyOptions): Promise<0 | 1> {
  const workspace = process.cwd();
  const elsewhere = [
    ...(anchors === undefined ? [] : await anchorsOfFile(anchors)),
    ...(github ? await anchorsOnGitHub({ workspace, env: process.env, repository: repo }) : []),
  ];
  const report = await verifyAudit(workspace, elsewhere);
  const live = process.stdout.isTTY === true;
  process.stdout.write(json ? jsonText(report) : toldReport(report, { live }));
  return report.standing === 'broken' ? 1 : 0;
}

async function exportLog({ format, since, until, all = false, ...named }: ExportOptions): Promise<0> {
  const filter: AuditFilter = {
    ...named,
    all,
    since: since === undefined ? null : instantOf('--since', since, 'T00:00:00Z'),
    until: until === undefined ? null : instantOf('--until', until, 'T23:59:59.999Z'),
  };
  const entries = await withCheckoutRecords(process.cwd(), readAuditEntries);
  const wanted = entries.filter((entry) => isWanted(entry, filter));
  const template = format === 'html' ? loadTemplate('pages/audit.hbs') : '';
  process.stdout.write(renderEntries(wanted, { format, template, of: entries.length }));
  return 0;
}

/** A day stands for its begin or its end, whichever the option means. */
function instantOf(option: string, text: string, ofDay: string): string {
  const date = new Date(/^\d{4}-\d\d-\d\d$/.test(text) ? `${text}${ofDay}` : text);
  if (!Number.isNaN(date.getTime())) return date.toISOString();
  throw new UserError(`${option} ${JSON.stringify(text)} is no time`, {
    fix: 'write a day or an instant: 2026-03-01 or 2026-03-01T10:00:00Z',
  });
}
