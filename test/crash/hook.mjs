// Loaded into the process under test with --import, never by the product: counts what it does to the world
// outside (calls, files, children), and ends it with SIGKILL at one of these points.
//
//   CRASH_PARENT  pid of the harness: children of the process under test inherit the flag and are let be
//   CRASH_LOG     file that gets a line per point, {kind, key, n}, and one when its effect is made, {made}
//   CRASH_AT      file with JSON {targets: [{key, n, when}, …], made: {key: count}}: it dies at the first target
//                 that it comes to: the n-th point of this key (n = null: any point of this kind), before its
//                 effect, after it, or torn in the middle of a write. The log says which: {died}. `made` is what
//                 earlier processes of the same play have made, so that ordinals go on
//   CRASH_JITTER  JSON {seed, ms}: every call waits up to so long before it is sent
//   CRASH_HURRY   sleeps from half a second on are divided by this: reconciling rounds come sooner
import childProcess from 'node:child_process';
import fs from 'node:fs';
import fsp from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { basename } from 'node:path';
import timers from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { kindOf, pointKey } from './point-key.mjs';

const { CRASH_PARENT, CRASH_LOG, CRASH_AT, CRASH_HURRY, CRASH_JITTER } = process.env;

if (Number(CRASH_PARENT) === process.ppid) await install();

async function install() {
  const { targets, made } = CRASH_AT
    ? JSON.parse(fs.readFileSync(CRASH_AT, 'utf8'))
    : { targets: [], made: {} };
  const counts = new Map(Object.entries(made));
  const log = CRASH_LOG ? fs.openSync(CRASH_LOG, 'a') : null;
  const { writeSync } = fs;

  function note(line) {
    if (log !== null) writeSync(log, `${JSON.stringify(line)}\n`);
  }

  /** Counts a point, and tells at which instant of it the process ends; null = it lives on. */
  function reach(kind, what) {
    const key = pointKey(kind, what);
    const n = (counts.get(key) ?? 0) + 1;
    counts.set(key, n);
    note({ kind, key, n });
    const here = targets.filter((one) =>
      one.n === null ? one.key === kindOf(key) : one.key === key && one.n === n,
    );
    const at = (when) => here.find((target) => target.when === when);
    if (at('before')) die(at('before'));
    return { key, target: at('torn') ?? at('after') ?? null };
  }

  /** The effect is there: the process goes on, or ends. */
  function passed({ key, target }) {
    if (target?.when !== 'torn') note({ made: key });
    if (target !== null) die(target);
  }

  function around(kind, what, effect) {
    const point = reach(kind, what);
    return Promise.resolve(effect(point.target?.when === 'torn')).finally(() => passed(point));
  }

  function aroundSync(kind, what, effect) {
    const point = reach(kind, what);
    const done = effect();
    passed(point);
    return done;
  }

  function die(target) {
    note({ died: target });
    process.kill(process.pid, 'SIGKILL');
    // The signal is on its way: nothing more may happen.
    for (;;);
  }

  const { fetch } = globalThis;
  globalThis.fetch = (input, init) => {
    const method = init?.method ?? input.method ?? 'GET';
    const { pathname } = new URL(input instanceof Request ? input.url : String(input));
    return around(method === 'GET' ? 'read' : 'call', `${method} ${pathname}`, async () => {
      await jitter();
      return fetch(input, init);
    });
  };

  const { seed = 0, ms: longest = 0 } = CRASH_JITTER ? JSON.parse(CRASH_JITTER) : {};
  let drawn = seed;
  async function jitter() {
    // Numerical Recipes' linear congruential generator: seeded, and no more than a spread is asked of it.
    drawn = (Math.imul(drawn, 1664525) + 1013904223) >>> 0;
    if (longest > 0) await new Promise((resolve) => setTimeout(resolve, (drawn / 2 ** 32) * longest));
  }

  await wrapFiles();
  wrapChildren();
  wrapSleeps();
  syncBuiltinESMExports();

  async function wrapFiles() {
    const names = new WeakMap();
    const { open, rename, writeFile, rm } = fsp;
    fsp.open = async (path, ...rest) => {
      const file = await open(path, ...rest);
      names.set(file, String(path));
      return file;
    };
    fsp.rename = (from, to) => around('file', `rename ${to}`, () => rename(from, to));
    fsp.writeFile = (path, ...rest) => around('file', `write ${path}`, () => writeFile(path, ...rest));
    fsp.rm = (path, ...rest) => around('file', `remove ${path}`, () => rm(path, ...rest));
    for (const name of ['writeFileSync', 'appendFileSync', 'rmSync']) {
      const plain = fs[name];
      fs[name] = (path, ...rest) =>
        aroundSync('file', `${name.slice(0, -4)} ${path}`, () => plain(path, ...rest));
    }
    const { renameSync } = fs;
    fs.renameSync = (from, to) => aroundSync('file', `rename ${to}`, () => renameSync(from, to));
    const file = await open(fileURLToPath(import.meta.url));
    const proto = Object.getPrototypeOf(file);
    for (const name of ['appendFile', 'writeFile', 'truncate']) {
      const plain = proto[name];
      proto[name] = function wrapped(data, ...rest) {
        const kind = name === 'appendFile' ? 'append' : 'file';
        return around(kind, `${name} ${names.get(this) ?? '?'}${entryOf(data)}`, (isTorn) =>
          plain.call(this, isTorn ? half(data) : data, ...rest),
        );
      };
    }
    await file.close();
  }

  function wrapChildren() {
    for (const name of ['spawn', 'fork']) {
      const plain = childProcess[name];
      childProcess[name] = (command, args, ...rest) => {
        const program = Array.isArray(args) ? args.find((arg) => /\.(m?js|ts|sh)$/.test(arg)) : undefined;
        return aroundSync('child', `${name} ${basename(program ?? String(command))}`, () =>
          plain(command, args, ...rest),
        );
      };
    }
  }

  function wrapSleeps() {
    const { setTimeout } = timers;
    const hurry = Number(CRASH_HURRY ?? 1);
    timers.setTimeout = (ms, ...rest) => setTimeout(ms >= 500 ? ms / hurry : ms, ...rest);
  }
}

/** Which entry of a journal is appended: the points of each have ordinals of their own. */
function entryOf(data) {
  const [, entry, name] =
    /^\{"kind":"(\w+)",(?:"id":"[^"]*","name":"(\w+)")?/.exec(String(data).slice(0, 200)) ?? [];
  return entry === undefined ? '' : ` ${entry}${name === undefined ? '' : ` ${name}`}`;
}

function half(data) {
  return typeof data === 'string' ? data.slice(0, data.length / 2) : data.subarray(0, data.length >> 1);
}
