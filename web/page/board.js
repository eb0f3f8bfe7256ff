// What runs, as far as the page knows: accounts and calls, kept up to date by events.
import {get, Problem, signedOut} from "./api.js";
import {paced} from "./pace.js";
import {bare} from "./words.js";

/**
 * @typedef {{jid: string, bot: string, state: string, detail: string, since: string, failure: string,
 *   show: string, status: string, reads_messages: boolean}} Account
 * @typedef {{kind: string, codec: string, sent: number, received: number, lost: number, jitter_ms: number,
 *   rtt_ms: number | null, mos: number | null, peer_lost: number | null, peer_jitter_ms: number | null, peer_mos: number | null}} Media
 * @typedef {{id: string, account: string, peer: string, direction: "in" | "out", phase: string, media: string[],
 *   seconds: number, steps: Record<string, number>, statistics: Media[], held: boolean, muted: string[],
 *   holds: boolean, mutes: string[], recording: boolean, guests: Guest[], end?: PastCall}} Call of one that is over its end is known
 * @typedef {{uuid: string, id: string, account: string, peer: string, direction: "in" | "out", state: string, reason: string, text: string,
 *   connected: string | null, ended: string}} PastCall
 * @typedef {{name: string, part: "received" | "sent" | "join" | "take-over", at: number, role: string}} Guest
 * @typedef {{at: number, statistics: Media[]}} Sample
 * @typedef {{title: string, state: "waiting" | "running" | "ended" | "skipped", began: number | null, ended: number | null, planned: number}} LoadPhase
 * @typedef {{text: string, value: string | null, held: boolean}} LoadCheck
 * @typedef {{elapsed: number, phases: LoadPhase[], checks: LoadCheck[], errors: {what: string, why: string, count: number}[],
 *   rates: {name: string, per_second: number, started: number, ok: number, failed: number, dropped: number}[],
 *   times: {name: string, now: number | null, p50: number, p95: number, p99: number, max: number}[]}} LoadSummary
 * @typedef {{file: string, state: string, started: string, load: LoadSummary, accounts: {total: number, by_state: Record<string, number>}, calls: {total: number},
 *   server: {address: string}, parts: {name: string, state: string, detail: string}[]}} LoadRun
 * @typedef {{at: number, online: number, calls: number, started: Record<string, number>, failed: Record<string, number>, p95: Record<string, number>}} LoadPoint
 * @typedef {{status: string, sentence: string, checks: LoadCheck[], phases: LoadPhase[], warnings: string[]}} Verdict
 */

const EVENTS = ["AccountChanged", "AccountRemoved", "PresenceReturned", "BotFailed", "CallStatus", "CallRecord", "ChatMessage", "ChatMessageBounced",
  "ReceiptReceived", "LoadPhase", "LoadPoint", "LoadVerdict"];
/** The bot that lets calls ring for a person, and the one that lets them ring for nobody. */
const OPERATOR = "operator", SILENT = "silent";
/** Milliseconds between two looks of the page at what has changed. */
const PACE = 200;
/** Milliseconds without an event after which the board is asked whether it is there, and those that it has to answer. */
const SILENCE = 20000, PATIENCE = 10000;
/** Seconds of a call whose quality is kept. */
const MOST_SAMPLES = 1800;
/** Records of calls that are kept for who has placed them, and milliseconds for which one is shown. */
const MOST_RECORDS = 200;
const WHILE = 30000;
/** Seconds of a load run that are shown; of a longer one, every second, fourth … */
const MOST_POINTS = 1200;

class Board extends EventTarget {
  constructor() {
    super();
    /** @type {Map<string, Account>} */
    this.accounts = new Map();
    /** @type {Map<string, Call>} */
    this.calls = new Map();
    /** @type {Map<string, Sample[]>} */
    this.samples = new Map();
    /** How the last calls have ended. @type {Map<string, PastCall>} */
    this.records = new Map();
    /** Calls that were placed on this page, until their end was shown for a while. @type {Set<string>} */
    this.placed = new Set();
    this.state = "";
    /** What goes on, if it is a load run. @type {LoadRun | null} */
    this.run = null;
    /** @type {LoadPoint[]} */
    this.points = [];
    /** @type {Verdict | null} */
    this.verdict = null;
    this.link = "connecting";
    /** Since when what is known here may hold no more; null while the board tells what happens. @type {Date | null} */
    this.lostAt = null;
    /** @type {EventSource | null} */
    this.source = null;
    this.timer = this.watching = 0;
    this.heardAt = 0;
    /** What has happened since what runs was asked for; null while it is not. @type {any[] | null} */
    this.meanwhile = null;
    /** Whether Callboard has said that it ends. */
    this.wasStopped = false;
    /** Whether something may have happened of which no event has told. */
    this.hasMissed = false;
    /** When what runs has started. */
    this.started = "";
  }

  /** Ask for what runs, soon and once at a time. */
  load = paced(() => this.ask());

  start() {
    this.stop();
    const source = this.source = new EventSource("/api/events");
    source.onopen = () => {
      this.hasMissed ||= this.lostAt !== null;
      this.link = "live";
      this.lostAt = null;
      this.wasStopped = false;
      this.load();
    };
    source.addEventListener("stopped", () => { this.wasStopped = true; });
    source.onerror = () => {
      if (this.verdict) { // a load run that is over is not coming back
        this.stop();
        this.link = "over";
        this.changed();
        return;
      }
      this.lose();
      if (source.readyState === EventSource.CLOSED) this.tryAgain(source);
    };
    source.addEventListener("gap", () => { this.hasMissed = true; this.load(); });
    for (const name of EVENTS)
      source.addEventListener(name, event => this.take(JSON.parse(/** @type {MessageEvent} */ (event).data)));
    this.watching = setInterval(() => Date.now() - this.heardAt >= SILENCE && this.check(), SILENCE);
  }

  /** What is known may hold no more. */
  lose() {
    this.link = "lost";
    this.lostAt ??= new Date();
    this.changed();
  }

  /** See whether the board is there: where it stands still, or the network is gone, the connection does not end. */
  async check() {
    const {source} = this;
    if (this.link !== "live") return;
    try {
      await get("/api/session", {}, AbortSignal.timeout(PATIENCE));
    } catch (error) {
      if (this.source !== source || !(error instanceof Problem) || error.status) return;
      this.lose();
      this.start();
    }
  }

  /** Begin anew, unless the visitor is known no more: that alone an event source does not tell. @param {EventSource} source */
  async tryAgain(source) {
    try {
      await get("/api/session");
    } catch (error) {
      if (this.source === source && error instanceof Problem && error.status === 401) {
        signedOut.dispatchEvent(new Event("change"));
        return;
      }
    }
    setTimeout(() => this.source === source && this.start(), 2000);
  }

  stop() {
    clearInterval(this.watching);
    this.source?.close();
    this.source = null;
  }

  /** Say how something stands, as far as that is known now. @param {string} state */
  stands(state) {
    const word = ["closed", "ended"].includes(state) ? "logged out" : state;
    return word && this.lostAt ? `was ${word}` : word;
  }

  /** Forget what was told to somebody who has left. */
  forget() {
    for (const kept of [this.accounts, this.calls, this.samples, this.records, this.placed]) kept.clear();
    this.run = this.verdict = null;
    this.points = [];
    this.state = this.started = "";
    this.hasMissed = this.wasStopped = false;
    this.lostAt = null;
    this.changed();
  }

  /** Ask for what runs; what happens meanwhile is taken again. */
  async ask() {
    const {source} = this;
    if (!source) return;
    this.meanwhile = [];
    const hasMissed = this.hasMissed;
    this.hasMissed = false;
    try {
      const [status, calls] = await Promise.all([
        get("/api/status", {limit: 10000}), get("/api/calls", {limit: 10000}),
      ]);
      const points = status.load ? (await get("/api/load/points", {limit: MOST_POINTS / 2})).points : [];
      if (this.source === source) { // else whoever asked has left
        this.takeAll(status, calls.calls, points, this.meanwhile);
        if (hasMissed) this.tell("gap", null);
      }
    } catch (error) {
      this.hasMissed ||= hasMissed;
      if (this.source === source) this.tell("problem", error);
    }
    this.meanwhile = null;
  }

  /** Know what runs. @param {any} status @param {Call[]} calls @param {LoadPoint[]} points @param {any[]} meanwhile what has happened since they were asked for */
  takeAll(status, calls, points, meanwhile) {
    if (this.started && this.started !== status.started) this.tell("restart", [...this.calls.values()]);
    this.started = status.started;
    this.points = points;
    if (this.run?.started !== status.started) this.verdict = null;
    this.run = status.load ? status : null;
    this.state = status.state;
    this.accounts = new Map(status.account_list.map((/** @type {Account} */ one) => [one.jid, one]));
    this.calls = new Map(calls.map(one => [key(one), one]));
    for (const event of meanwhile) this.keep(event);
    this.changed();
  }

  /** Ask how a load run stands, soon and once at a time. */
  refresh = paced(async () => {
    const status = await get("/api/status", {limit: 0}).catch(() => null);
    if (status?.load) this.run = status;
    this.changed();
  });

  /** @param {any} event */
  take(event) {
    this.heardAt = Date.now();
    this.meanwhile?.push(event);
    if (event.event === "CallStatus" && event.phase !== "ended") {
      if (!this.calls.has(key(event))) this.tell("call", event);
      this.sample(event);
    }
    this.keep(event);
    switch (event.event) {
      case "AccountChanged":
        this.tell("account", event);
        break;
      case "AccountRemoved": case "PresenceReturned": case "BotFailed": case "CallStatus":
        break;
      case "CallRecord":
        this.tell("record", event);
        break;
      case "LoadPoint":
        this.points.push(event);
        this.count(event);
        if (this.points.length > MOST_POINTS) this.points = this.points.filter((_, place) => place % 2);
        this.refresh();
        break;
      case "LoadVerdict":
        this.verdict = event;
        if (this.run) this.run.load.phases = event.phases;
        this.refresh();
        break;
      case "LoadPhase":
        this.refresh();
        break;
      default:
        this.tell("message", event);
    }
    this.changed();
  }

  /** Take from a point how the run stands: after the last one it can't be asked any more. @param {LoadPoint} point */
  count(point) {
    if (!this.run) return;
    this.run.accounts.by_state.online = point.online;
    this.run.calls.total = point.calls;
    this.run.load.elapsed = point.at;
  }

  /** Note what an event says of accounts and calls. @param {any} event */
  keep(event) {
    switch (event.event) {
      case "AccountChanged": {
        const known = this.accounts.get(event.jid);
        if (known) Object.assign(known, {state: event.state, detail: event.detail, since: event.time});
        else this.load();
        if (known && !["online", "leaving"].includes(event.state)) Object.assign(known, {show: "", status: ""});
        break;
      }
      case "AccountRemoved":
        this.accounts.delete(event.jid);
        break;
      case "PresenceReturned": {
        const known = this.accounts.get(event.jid);
        if (known) Object.assign(known, {show: event.show, status: event.status});
        break;
      }
      case "BotFailed": {
        const known = this.accounts.get(event.account);
        if (known) known.failure = event.error;
        break;
      }
      case "CallStatus":
        if (event.phase === "ended") this.calls.delete(key(event));
        else this.calls.set(key(event), event);
        break;
      case "CallRecord":
        this.calls.delete(key(event));
        this.records.set(key(event), event);
        if (this.records.size > MOST_RECORDS) this.records.delete(/** @type {string} */ (this.records.keys().next().value));
        this.fade(key(event));
        break;
    }
  }

  /** Note that a call was placed on this page: how it ends is shown there. @param {{account: string, id: string}} call */
  place(call) {
    this.placed.add(key(call));
    this.fade(key(call));
    this.changed();
  }

  /** Forget after a while that a call was placed here, if it is over. @param {string} name */
  fade(name) {
    if (this.placed.has(name) && this.records.has(name)) setTimeout(() => this.dismiss(name), WHILE);
  }

  /** Show no more how a call has ended. @param {string} name */
  dismiss(name) {
    if (this.placed.delete(name)) this.changed();
  }

  /** The calls that were placed on this page and have just failed to come about. @returns {Call[]} */
  failures() {
    return [...this.placed].flatMap(name => {
      const end = this.records.get(name);
      return !end || ["completed", "cancelled"].includes(end.state) ? [] : [{id: end.id, account: end.account, peer: end.peer, direction: end.direction, phase: end.state,
        media: [], seconds: 0, steps: {}, statistics: [], held: false, muted: [], holds: false, mutes: [], recording: false, guests: [], end}];
    });
  }

  /** @param {Call} call */
  sample(call) {
    if (!call.statistics.length) return;
    const kept = this.samples.get(key(call)) ?? [];
    kept.push({at: call.seconds, statistics: call.statistics});
    if (kept.length > MOST_SAMPLES) kept.shift();
    this.samples.delete(key(call));
    this.samples.set(key(call), kept);
    if (this.samples.size > 300) this.samples.delete(/** @type {string} */ (this.samples.keys().next().value));
  }

  /** Let the page look at what has changed, a few times a second. */
  changed() {
    if (!this.timer)
      this.timer = setTimeout(() => { this.timer = 0; this.dispatchEvent(new Event("change")); }, PACE);
  }

  /** @param {string} name @param {any} detail */
  tell(name, detail) { this.dispatchEvent(new CustomEvent(name, {detail})); }

  /** @param {string} account */
  callsOf(account) { return [...this.calls.values()].filter(one => one.account === account); }

  /** @param {string} account @param {string} peer */
  callsWith(account, peer) { return this.callsOf(account).filter(one => bare(one.peer) === bare(peer)); }

  /** The calls that wait for a person, who may take them here. @returns {Call[]} */
  waiting() {
    return [...this.calls.values()].filter(one => one.direction === "in" && one.phase === "ringing" && this.hasOperator(one.account));
  }

  /** Whether an account's bot lets calls ring for a person. @param {string} account */
  hasOperator(account) { return this.accounts.get(account)?.bot === OPERATOR; }

  /** Say what a call waits for that was placed and is not taken. @param {Call} call */
  waitsFor({direction, phase, peer}) {
    const ours = this.accounts.get(bare(peer));
    if (direction !== "out" || !["proposed", "ringing"].includes(phase)) return "";
    if (ours && ours.state !== "online") return `${ours.jid} is not logged in: nobody answers unless it logs in.`;
    if (phase === "proposed") return ours ? "" : "Nobody has answered there yet: perhaps nobody is online.";
    if (ours?.bot === OPERATOR) return "It rings here, until somebody takes it.";
    if (ours?.bot === SILENT) return `The bot of ${ours.jid}, ${SILENT}, lets calls ring and never answers.`;
    return ours ? `The bot of ${ours.jid}, ${ours.bot}, has not answered yet.` : "It rings, and nobody has answered yet.";
  }

  /** Say who reads no messages of those that write to each other. @param {string} account @param {string} peer */
  deafOf(account, peer) {
    const [own, ours] = [this.accounts.get(account), this.accounts.get(bare(peer))];
    if (ours) return ours.reads_messages ? "" : `The bot of ${ours.jid}, ${ours.bot}, does not read messages: it answers none.`;
    return own && !own.reads_messages ? `The bot of ${own.jid}, ${own.bot}, does not read messages: only people answer here.` : "";
  }

  /** @param {string} id @param {string} [account] */
  find(id, account) {
    const found = [...this.calls.values()].filter(one => one.id === id && (!account || one.account === account));
    return found.find(one => one.direction === "out") ?? found[0];
  }
}

/** @param {{account: string, id: string}} call */
export function key(call) { return `${call.account}\n${call.id}`; }

export const board = new Board();
