// The log: its last lines, and those that come.
import {follow, h, joined, say} from "./dom.js";
import {View} from "./view.js";
import {second} from "./words.js";

/** @typedef {{number: number, time: string, level: string, logger: string, message: string, account?: string, exception?: string}} LogLine */

/** Lines that are kept. */
const MOST = 1000;
const LEVELS = ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"];
/** What is shown from a level on. @type {Record<string, string>} */
const WORDS = {DEBUG: "all lines", INFO: "info and worse", WARNING: "warnings and errors", ERROR: "errors"};
const TONES = /** @type {Record<string, string>} */ ({WARNING: "busy", ERROR: "bad", CRITICAL: "bad"});

class LogPage extends View {
  /** @type {LogLine[]} */
  lines = [];
  count = 0;

  build() {
    this.level = h("select", {"aria-label": "Least level", onchange: () => this.show()}, ...LEVELS.slice(0, 4).map(one => h("option", {value: one, selected: one === "INFO"}, WORDS[one])));
    this.filter = h("input", {type: "search", placeholder: "Filter lines", "aria-label": "Filter lines", oninput: () => this.show()});
    this.told = h("p.soft", {"aria-live": "polite"});
    this.rows = h("ol.log.card", {tabIndex: 0, "aria-label": "Lines of the log"});
    this.append(h("div.page-head", {}, h("h1", {}, "Log"), this.level, this.filter), this.told, this.rows);
  }

  connectedCallback() {
    super.connectedCallback();
    const source = this.source = new EventSource(`/api/logs?last=${MOST}`);
    this.hear(source, "Log", event => this.take(JSON.parse(event.data)));
    this.hear(source, "gap", () => this.take({time: new Date().toISOString(), level: "WARNING", logger: "", message: "Some lines are missing here."}));
    this.hear(source, "error", () => { if (source.readyState === EventSource.CLOSED) say(this.told, "The log can't be followed any more: load the page again."); });
    this.show();
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this.source?.close();
  }

  /** @param {Omit<LogLine, "number">} line */
  take(line) {
    this.lines.push({...line, number: this.count++});
    if (this.lines.length > MOST) this.lines.shift();
    this.timer ||= setTimeout(() => { this.timer = 0; this.show(); }, 200);
  }

  show() {
    const words = this.filter.value.toLowerCase();
    const least = LEVELS.indexOf(this.level.value);
    const found = this.lines.filter(one => LEVELS.indexOf(one.level) >= least
      && `${one.message} ${one.account ?? ""} ${one.logger} ${one.exception ?? ""}`.toLowerCase().includes(words));
    const atEnd = this.rows.scrollHeight - this.rows.scrollTop - this.rows.clientHeight < 40;
    follow(this.rows, found, one => String(one.number), row);
    this.rows.hidden = !found.length;
    say(this.told, found.length ? "" : this.lines.length ? "No line fits." : "Nothing was logged yet.");
    if (atEnd) this.rows.scrollTop = this.rows.scrollHeight;
  }
}

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
