import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { MonitorResult } from '#lib/lifecycle/evidence.ts';
import { openContext, type StageContext } from '../../actions/kit/context.ts';
import { openDeps } from '../../actions/kit/deps.ts';
import { planned } from '../../actions/kit/planned.ts';
import { silentProgress } from '../../actions/kit/progress.ts';
import { presentInputs } from '../../actions/kit/stage-inputs.ts';
import { makeStatement } from '../../actions/kit/statement.ts';
import { bikesTexts } from '../formats/bikes.ts';
import { dataResult, evaluateResult, trainResult } from '../formats/sample-evidence.ts';

export type EvidenceCheckout = ReturnType<typeof evidenceCheckout>;

/** The demo's files in a checkout where nothing runs: evidence is written as the stages leave it behind. */
export function evidenceCheckout() {
  const workspace = mkdtempSync(join(tmpdir(), 'evidence-'));
  execFileSync('git', ['init', '-q', workspace]);
  const env = { ROUNDHOUSE_STORE_MAIN: pathToFileURL(join(workspace, '.roundhouse/store')).href };
  const deps = openDeps({ workspace, env, progress: silentProgress });
  const about = { model: 'bikes', plan: null, startedAt: new Date(0), subjects: [] };

  function write(path: string, text: string): void {
    mkdirSync(dirname(join(workspace, path)), { recursive: true });
    writeFileSync(join(workspace, path), text);
  }
  for (const { file, text } of Object.values(bikesTexts())) write(file, text);

  const context = (options: Record<string, string> = {}): Promise<StageContext> =>
    openContext({ option: (name) => options[name] ?? '', deps });

  /** Where the stages' evidence goes, and what they are given by the files as they are now. */
  async function present() {
    const opened = await context();
    const { plan } = await planned(opened);
    return { plan, evidence: opened.evidence, inputs: presentInputs(opened, plan) };
  }

  return {
    workspace,
    deps,
    write,
    context,
    edit(path: string, from: string | RegExp, to: string): void {
      const text = readFileSync(join(workspace, path), 'utf8');
      const edited = text.replace(from, to);
      if (edited === text) throw new Error(`${path} has no ${from}`);
      write(path, edited);
    },
    async data() {
      const { evidence, inputs } = await present();
      const statement = makeStatement('data', { ...about, result: dataResult() }, deps);
      evidence.save('data', statement, { inputs: inputs.data });
    },
    async train() {
      const { plan, evidence, inputs } = await present();
      for (const { index, name } of plan.candidates) {
        const result = trainResult({ candidate: { ...trainResult().candidate, index, name } });
        const statement = makeStatement('train', { ...about, result }, deps);
        evidence.save('train', statement, { index, inputs: inputs.train(index) });
      }
    },
    async evaluate() {
      const { evidence, inputs } = await present();
      const statement = makeStatement('evaluate', { ...about, result: evaluateResult() }, deps);
      evidence.save('evaluate', statement, { inputs: inputs.evaluate });
    },
    async monitor(result: MonitorResult) {
      const { evidence } = await present();
      evidence.save('monitor', makeStatement('monitor', { ...about, result }, deps));
    },
    remove(): void {
      deps.dispose();
      rmSync(workspace, { recursive: true, force: true });
    },
  };
}
