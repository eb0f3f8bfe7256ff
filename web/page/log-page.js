// The log: its last lines, and those that come; and between them logins and the ends of calls.
import {get} from "./api.js";
import {board} from "./board.js";
import {follow, h, joined, say} from "./dom.js";
import {attempt, View} from "./view.js";
import {bare, clock, ending, moment, second} from "./words.js";

/** @typedef {{number: number, time: string, level: string, logger: string, message: string, account?: string, exception?: string}} LogLine */

/** Lines that are kept, and what is kept beside them of what has happened. */
const MOST = 1000, MOST_NOTES = 200;
const LEVELS = ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"];
/** What is shown from a level on. @type {Record<string, string>} */
const WORDS = {DEBUG: "all lines", INFO: "info and worse", WARNING: "warnings and errors", ERROR: "errors"};
const TONES = /** @type {Record<string, string>} */ ({WARNING: "busy", ERROR: "bad", CRITICAL: "bad"});

/** What is said of an account, by its state; of the others nothing is. @type {Record<string, string>} */
const STATES = {online: "logged in", closed: "logged out", ended: "has ended without a login", waiting: "could not log in, and tries again", failed: "could not log in"};

class LogPage extends View {
  /** @type {LogLine[]} */
  lines = [];
  /** What has happened, as lines. @type {LogLine[]} */
  notes = [];
  count = 0;

  build() {
    this.level = h("select", {"aria-label": "Least level", onchange: () => this.show()}, ...LEVELS.slice(0, 4).map(one => h("option", {value: one, selected: one === "INFO"}, WORDS[one])));
    this.filter = h("input", {type: "search", placeholder: "Filter lines", "aria-label": "Filter lines", oninput: () => this.show()});
    this.told = h("p.soft", {"aria-live": "polite"});
    this.rows = h("ol.log.card", {tabIndex: 0, "aria-label": "Lines of the log"});
    this.holds = h("p.soft", {});
    this.append(h("div.page-head", {}, h("h1", {}, "Log"), this.level, this.filter), h("div", {}, this.holds, this.told), this.rows);
  }

  connectedCallback() {
    super.connectedCallback();
    this.hear(board, "account", event => this.noteAccount(event.detail.time, event.detail));
    this.hear(board, "record", event => this.noteCall(event.detail));
    this.renew();
    this.show();
  }

  /** Begin with what is there now: what was shown may be of an earlier run. */
  load() {
    this.source?.close();
    this.lines = [];
    this.notes = [];
    const source = this.source = new EventSource(`/api/logs?last=${MOST}`);
    source.addEventListener("Log", event => this.take(JSON.parse(event.data)));
    source.addEventListener("gap", () => this.take({time: new Date().toISOString(), level: "WARNING", logger: "", message: "Some lines are missing here."}));
    source.addEventListener("error", () => { if (source.readyState === EventSource.CLOSED) say(this.told, "The log can't be followed any more: load the page again."); });
    return this.noteEarlier();
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this.source?.close();
  }

  /** Say what has happened before: when this run began, how each account stands since when, and which calls have ended. */
  async noteEarlier() {
    const status = await attempt(() => get("/api/status", {limit: MOST_NOTES}));
    if (!status) return;
    say(this.holds, `The log since Callboard's start, ${moment(status.started)}: its last ${MOST.toLocaleString("en")} lines, and between them the last ${MOST_NOTES} logins, logouts and ends of calls.`);
    this.note(status.started, "INFO", `Callboard ${status.callboard} has started`);
    for (const one of status.account_list) this.noteAccount(one.since, one);
    const past = status.load ? null : await attempt(() => get("/api/history", {since: Date.parse(status.started) / 1000, limit: MOST_NOTES}));
    for (const one of past?.calls ?? []) this.noteCall(one);
  }

  /** @param {string} time @param {{jid: string, state: string, detail: string}} account */
  noteAccount(time, {jid, state, detail}) {
    if (STATES[state]) this.note(time, state === "online" || state === "closed" ? "INFO" : "WARNING", [STATES[state], detail].filter(Boolean).join(": "), jid);
  }

  /** @param {import("./board.js").PastCall} call */
  noteCall(call) {
    const {why} = ending(call);
    const lasted = call.connected ? ` after ${clock((Date.parse(call.ended) - Date.parse(call.connected)) / 1000)}` : "";
    this.note(call.ended, "INFO", `call ${call.direction === "out" ? "→" : "←"} ${bare(call.peer)} ${call.state}${lasted}${why && `: ${why}`}`, call.account);
  }

  /** @param {string} time @param {string} level @param {string} message @param {string} [account] */
  note(time, level, message, account) {
    if (this.notes.some(one => one.time === time && one.message === message && one.account === account)) return;  // it was asked for, and told too
    this.notes.push({time, level, message, account, logger: "", number: this.count++});
    this.notes.sort(byTime);
    if (this.notes.length > MOST_NOTES) this.notes.shift();
    this.showSoon();
  }

  /** @param {Omit<LogLine, "number">} line */
  take(line) {
    this.lines.push({...line, number: this.count++});
    if (this.lines.length > MOST) this.lines.shift();
    this.showSoon();
  }

  showSoon() {
    this.timer ||= setTimeout(() => { this.timer = 0; this.show(); }, 200);
  }

  show() {
    const words = this.filter.value.toLowerCase();
    const least = LEVELS.indexOf(this.level.value);
    const found = [...this.lines, ...this.notes].sort(byTime).filter(one => LEVELS.indexOf(one.level) >= least
      && `${one.message} ${one.account ?? ""} ${one.logger} ${one.exception ?? ""}`.toLowerCase().includes(words));
    const atEnd = this.rows.scrollHeight - this.rows.scrollTop - this.rows.clientHeight < 40;
    follow(this.rows, found, one => String(one.number), row);
    this.rows.hidden = !found.length;
    say(this.told, found.length ? "" : this.lines.length || this.notes.length ? "No line fits." : "Nothing was logged yet.");
    if (atEnd) this.rows.scrollTop = this.rows.scrollHeight;
  }
}

/** @param {LogLine} one @param {LogLine} other */
function byTime(one, other) { return Date.parse(one.time) - Date.parse(other.time); }

/** @param {LogLine} line */
function row(line) {
  const who = joined(" · ", line.account, line.logger);
  const made = h("li.log-line", {}, h("time.figures.soft", {dateTime: line.time}, second(line.time)),
    h("span.log-level", {}, line.level.toLowerCase()),
    h("span.log-text", {}, h("bdi", {}, line.message), who.length > 0 && h("span.row-note", {}, " ", ...who), line.exception && h("pre", {tabIndex: 0}, line.exception)));
  if (TONES[line.level]) made.classList.add(TONES[line.level]);
  return made;
}

customElements.define("log-page", LogPage);
