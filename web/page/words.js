// How times, sizes and states are told to people.

/** @param {number} seconds */
export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const parts = [Math.floor(whole / 60) % 60, whole % 60].map(one => String(one).padStart(2, "0"));
  const hours = Math.floor(whole / 3600);
  return hours ? `${hours}:${parts.join(":")}` : parts.join(":");
}

/** The time of a day; of another day than today, with its date. @param {string | null | undefined} time ISO 8601 */
export function hour(time) { return time ? ofDay(time, {hour: "2-digit", minute: "2-digit"}) : ""; }

/** The same with seconds. @param {string} time ISO 8601 */
export function second(time) { return ofDay(time, {hour: "numeric", minute: "2-digit", second: "2-digit"}); }

/** @param {string} time @param {Intl.DateTimeFormatOptions} parts */
function ofDay(time, parts) {
  const at = new Date(time);
  const isToday = at.toDateString() === new Date().toDateString();
  return at.toLocaleString([], isToday ? parts : {month: "short", day: "numeric", ...parts});
}

/** @param {string | null | undefined} time ISO 8601 */
export function moment(time) {
  return time ? new Date(time).toLocaleString([], {dateStyle: "medium", timeStyle: "medium"}) : "–";
}

/** @param {number} octets */
export function size(octets) {
  const units = ["B", "kB", "MB", "GB"];
  let at = 0;
  while (octets >= 1000 && at < units.length - 1) { octets /= 1000; at += 1; }
  return `${octets.toLocaleString("en", {maximumFractionDigits: octets < 10 && at ? 1 : 0})} ${units[at]}`;
}

/** @param {number | null | undefined} value @param {number} [digits] */
export function number(value, digits = 1) {
  return value === null || value === undefined ? "–"
    : value.toLocaleString("en", {maximumFractionDigits: digits});
}

/** @param {number} value */
export function seconds(value) {
  return value < 1 ? `${number(value * 1000, value < .1 ? 1 : 0)} ms` : value < 120 ? `${number(value, value < 10 ? 2 : 1)} s` : clock(value);
}

/** Begin a text as a sentence and end it as one: what the board tells begins small. @param {string} text */
export function sentence(text) {
  const begun = /^[a-z]+[ ,:;]/.test(text) ? text.charAt(0).toUpperCase() + text.slice(1) : text;
  return /[\p{L}\p{N}"')\]]$/u.test(begun) ? `${begun}.` : begun;
}

/** @param {string} jid */
export function bare(jid) { return jid.split("/")[0]; }

/** @param {string} jid */
export function user(jid) { return bare(jid).split("@")[0] || jid; }

/** What a state means for the eye. @type {Record<string, string>} */
export const TONES = {
  online: "good", connected: "good", completed: "good", available: "good", chat: "good",
  connecting: "busy", leaving: "busy", waiting: "busy", starting: "busy", ringing: "busy", proposed: "busy", away: "busy", xa: "busy",
  failed: "bad", dnd: "bad", missed: "bad", declined: "bad", busy: "bad",
};

/** The steps of a call, as people say them. @type {Record<string, string>} */
export const STEPS = {
  propose: "proposed", ringing: "rings", proceed: "taken", initiate: "offer sent", accept: "accepted",
  ice: "ICE connected", dtls: "DTLS connected", "first-audio": "first sound", "first-video": "first picture",
};

/** How a call has ended, as people say it. @type {Record<string, string>} */
const ENDS = {completed: "Call", missed: "Call not answered", declined: "Call declined", busy: "Call refused, busy", cancelled: "Call cancelled", failed: "Call failed"};

/** Say how a call has ended, and why. @param {import("./board.js").PastCall} call its record */
export function ending(call) {
  const how = ENDS[call.state] ?? call.state;
  const plain = ["completed", "cancelled"].includes(call.state) || call.state.startsWith(call.reason);
  return {how, why: call.text || (plain ? "" : call.reason)};
}

/** The end of a path for an id. @param {string} text */
export function escaped(text) { return encodeURIComponent(text); }
