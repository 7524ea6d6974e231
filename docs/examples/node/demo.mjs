#!/usr/bin/env node
// Moves a history between two devices, into JSON Lines files of our own. Copy from here.
//
//     VCON_TRANSFER=/path/to/vcon-transfer node demo.mjs SOURCE [--reject TEXT] [--kill-at N]
//
// Both devices are on this machine. Both processes are killed while batch N is not yet
// acknowledged, and started again. Ends with 0 only if every item is there exactly once.
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';

const PROGRAM = process.env.VCON_TRANSFER ?? 'vcon-transfer';

// One vcon-transfer. The offer goes in by descriptor 3: arguments are public on the machine.
class Device {
  constructor(args, offer) {
    if (offer) args = [...args, '--offer-fd', '3'];
    // Standard error is for people: an app appends it to the log of its bug reports.
    this.child = spawn(PROGRAM, [...args, '--json'], { stdio: ['pipe', 'pipe', 'inherit', offer ? 'pipe' : 'ignore'] });
    this.ended = new Promise((resolve) => {
      this.child.on('error', (err) => resolve(err.message)); // there is no such program
      this.child.on('close', (code, signal) => resolve(signal ?? code));
    });
    // Writing to a process that has ended is no error of its own: `done`, or its absence, says how it ended.
    this.child.stdin.on('error', () => {});
    if (offer) this.child.stdio[3].on('error', () => {}).end(offer);
  }

  tell(cmd, fields = {}) {
    this.child.stdin.write(JSON.stringify({ cmd, ...fields }) + '\n');
  }

  // Yields the events, and `done` exactly once, also if the process dies without it.
  async *events() {
    let done;
    for await (const line of createInterface({ input: this.child.stdout, crlfDelay: Infinity })) {
      let event;
      try {
        event = JSON.parse(line);
      } catch {
        break; // the half line of a process that was killed
      }
      if (event.event === 'done') done = event;
      yield event;
    }
    const how = await this.ended;
    if (!done) yield { event: 'done', ok: false, code: 'died', message: `ended with ${how}`, resume: true };
  }
}

// What both devices do alike. `on` has a function for each event of interest; the events that it
// does not have are for the screen (progress, connected, abort) or newer than this program.
async function run(device, key, on) {
  for await (const e of device.events()) {
    if (e.event === 'need_secret') device.tell('secret', { secret: key.toString('base64') });
    else if (e.event === 'warning') console.error('warning:', e.code, e.message);
    else if (e.event === 'done') return e;
    else await on[e.event]?.(e);
  }
}

function sync(file) {
  const fd = fs.openSync(file, 'r');
  fs.fsyncSync(fd);
  fs.closeSync(fd);
}

// Lines are {type, id, ...}: of two with one id the later counts. What is staged of a transfer has a
// file of its own; final.jsonl is replaced as a whole, which makes the commit one transaction.
class Store {
  constructor(dir) {
    this.dir = dir;
    fs.mkdirSync(path.join(dir, 'files'), { recursive: true });
    this.final = this.read('final');
  }

  read(name) {
    const lines = new Map();
    const file = path.join(this.dir, name + '.jsonl');
    for (const line of fs.existsSync(file) ? fs.readFileSync(file, 'utf8').split('\n') : []) {
      try {
        const l = JSON.parse(line);
        lines.set(l.type + ' ' + l.id, l);
      } catch {} // an empty line, or one that was cut off when we died: it was not acknowledged and comes again
    }
    return lines;
  }

  all = (type) => [...this.final.values()].filter((l) => l.type === type);

  // What is final: what another transfer only staged may never become visible, and has to come again.
  have = () => ({
    segments: this.all('segment').map((s) => s.id).filter((id) => !this.final.has('hole ' + id)),
    attachments: this.all('file').map(({ room, message_id, part, size, sha256 }) => ({ room, message_id, part, size, sha256 })),
  });

  // Stages a batch, durably, and returns the fields of its ack.
  stage(transfer, b, isRejected) {
    const lines = [], rejected = [], there = [], room = b.room.id;
    if (b.kind === 'attachment') {
      for (const { path: from, ...a } of b.attachments) {
        // The name is ours: `filename` is a word of the other device. Same content, same file.
        const to = path.join(this.dir, 'files', a.sha256);
        fs.renameSync(from, to);
        sync(to);
        lines.push({ type: 'file', id: JSON.stringify([room, a.message_id, a.part]), room, ...a });
      }
      sync(path.join(this.dir, 'files'));
    } else {
      if (b.room.vcon_room) lines.push({ type: 'room', id: room, room: b.room });
      for (const i of b.items) {
        const id = JSON.stringify([room, i.key]);
        // The same item may come again, in another run: the same rule must say the same.
        if (b.kind === 'messages' && isRejected(i.dialog)) rejected.push({ item: i.item, code: 'filtered' });
        else if (this.final.has('item ' + id)) there.push(i.item);
        // Indexes of parties refer to those of this batch: keep them together.
        else lines.push({ type: 'item', id, room, kind: b.kind, parties: b.parties, ...i });
      }
      if (b.last) lines.push({ type: 'segment', id: b.segment });
      // With an item that was rejected it is not whole: the old device would count that as there.
      if (rejected.length) lines.push({ type: 'hole', id: b.segment });
    }
    const fd = fs.openSync(path.join(this.dir, transfer + '.jsonl'), 'a');
    // The line break in front ends a line that was cut off.
    fs.writeSync(fd, '\n' + lines.map((l) => JSON.stringify(l) + '\n').join(''));
    fs.fsyncSync(fd);
    fs.closeSync(fd);
    sync(this.dir);
    return { rejected, there };
  }

  // Changes nothing the second time: the same lines have the same ids, or nothing is staged.
  commit(transfer) {
    for (const [id, line] of this.read(transfer)) this.final.set(id, line);
    const next = path.join(this.dir, 'final.tmp');
    fs.writeFileSync(next, [...this.final.values()].map((l) => JSON.stringify(l) + '\n').join(''));
    sync(next);
    fs.renameSync(next, path.join(this.dir, 'final.jsonl'));
    sync(this.dir);
    fs.rmSync(path.join(this.dir, transfer + '.jsonl'), { force: true });
  }
}

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: { reject: { type: 'string', default: '' }, 'kill-at': { type: 'string', default: '2' } },
});
const killAt = Number(flags['kill-at']);
const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'demo-'));
const at = (name) => path.join(dir, name);
const store = new Store(at('store'));
const isRejected = (dialog) => flags.reject !== '' && (dialog.body ?? '').includes(flags.reject);
const keys = { old: randomBytes(32), new: randomBytes(32) }; // an app has its key in the system's key store

// One run of both devices. The demo kills both at a batch; an app never does.
async function transfer(killBothAt) {
  let old, isOver; // `old` starts when there is an offer to scan; or at once, when a transfer is gone on with
  const oldDone = new Promise((resolve) => { isOver = resolve; });
  const startOld = (offer) => {
    old = new Device(['send', ...positionals, '--state-dir', at('old'), '--ask-state-key'], offer);
    run(old, keys.old, {
      consent: (e) => e.want && old.tell('consent', { ok: true }), // an app shows what and to whom, and asks
      route: () => old.tell('route', { ok: true }), // the same
      check_code: (e) => showCode(e.code),
    }).then((done) => {
      if (!done.ok && !done.resume) fresh.tell('cancel'); // nobody will come
      isOver(done);
    });
  };
  // THE DEMO ONLY: the code goes from screen to screen through a person. An app that carries it by itself has no protection.
  let showCode;
  const code = new Promise((resolve) => { showCode = resolve; });

  const fresh = new Device(['receive', '--to-host', at('parts'), '--state-dir', at('new'), '--ask-state-key', '--listen', '127.0.0.1:0']);
  let id;
  const newDone = await run(fresh, keys.new, {
    offer: (e) => startOld(e.text), // an app draws it as QR code
    resumed: () => startOld(),
    check_code: async () => fresh.tell('check_code', { code: await code }),
    have: (e) => {
      id = e.transfer;
      fresh.tell('have', store.have());
    },
    batch: (e) => {
      const answer = store.stage(id, e, isRejected);
      if (e.batch === killBothAt) {
        console.error(`killing both: batch ${e.batch} is not acknowledged`);
        fresh.child.kill('SIGKILL');
        old.child.kill('SIGKILL');
      } else fresh.tell('ack', { batch: e.batch, ...answer });
    },
    commit: (e) => {
      store.commit(e.transfer);
      fresh.tell('committed');
    },
  });
  return { newDone, oldDone: old ? await oldDone : newDone };
}

// The ledger of `done` accounts for each record of the old device. Hold it against what is in the store.
function verify({ oldDone, newDone }) {
  const ledger = newDone.ledger, problems = [];
  const check = (what, isSo) => isSo || problems.push(what);
  const sum = (reasons = {}) => Object.values(reasons).reduce((a, b) => a + b, 0);
  for (const f of ['transfer', 'root', 'ledger']) check(`both have the same ${f}`, JSON.stringify(oldDone[f]) === JSON.stringify(newDone[f]));
  for (const l of [ledger, ledger.attachments]) {
    check('the ledger adds up', l.source === l.imported + l.there + (l.tombstones ?? 0) + sum(l.excluded) + sum(l.quarantined));
  }
  const onDisk = new Store(at('store')); // what another process would find
  const raw = fs.readFileSync(at('store/final.jsonl'), 'utf8').trimEnd().split('\n').map((l) => JSON.parse(l));
  check('no line is there twice', raw.length === onDisk.final.size);
  check('all items are there', onDisk.all('item').length === ledger.imported + ledger.tombstones);
  check('all files are there', onDisk.all('file').length === ledger.attachments.imported);
  check('what was rejected is in the ledger', !flags.reject || ledger.quarantined?.['host filtered'] > 0);
  for (const f of onDisk.all('file')) {
    const content = fs.readFileSync(at('store/files/' + f.sha256));
    check('the file is whole', createHash('sha256').update(content).digest('hex') === f.sha256);
  }
  console.log(JSON.stringify(ledger));
  return problems;
}

let died = false, ends;
try {
  for (let attempt = 0; attempt < 3; attempt++) {
    ends = await transfer(attempt === 0 ? killAt : 0);
    died ||= ends.newDone.code === 'died';
    if (ends.newDone.ok && ends.oldDone.ok) break;
    if (!ends.newDone.resume && !ends.oldDone.resume) break;
  }
  const problems = [ends.newDone, ends.oldDone].filter((d) => !d.ok).map((d) => `${d.code}: ${d.message} ${d.hint ?? ''}`);
  if (problems.length === 0) problems.push(...verify(ends));
  if (killAt && !died) problems.push(`there was no batch ${killAt} to be killed at`);
  for (const p of problems) console.error('wrong:', p);
  process.exitCode = problems.length ? 1 : 0;
} finally {
  fs.rmSync(dir, { recursive: true, force: true });
}
