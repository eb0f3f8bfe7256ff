// The accounts, those in trouble first.
import {avatar} from "./avatar.js";
import {board} from "./board.js";
import {fill, follow, h, joined, jointed, say} from "./dom.js";
import {session} from "./session.js";
import {accountPath, post} from "./api.js";
import {attempt, nothing, View} from "./view.js";
import {escaped, TONES} from "./words.js";

/** Rows that are shown at the most; the filter finds the others. */
const MOST = 300;
/** What contacts see of an account, as people say it. @type {Record<string, string>} */
const SHOWS = {chat: "free to chat", away: "away", dnd: "do not disturb", xa: "away for long"};
const OFF = ["closed", "ended", "failed"];

class AccountList extends View {
  build() {
    this.filter = h("input", {type: "search", placeholder: "Filter accounts", "aria-label": "Filter accounts", oninput: () => this.update()});
    this.rows = h("div.rows", {role: "list"});
    this.rest = h("p.soft.pad", {});
    this.append(h("div.bar", {}, h("h2", {}, "Accounts"), this.filter), this.rows, this.rest);
  }

  update() {
    const words = this.filter.value.toLowerCase();
    const rank = (/** @type {string} */ state) => ["failed", "ended", "waiting"].indexOf(state) + 1 || 9;
    const found = [...board.accounts.values()].filter(one => `${one.jid} ${one.bot} ${board.stands(one.state)}`.toLowerCase().includes(words));
    found.sort((one, other) => rank(one.state) - rank(other.state));
    const counts = new Map();
    for (const call of board.calls.values()) counts.set(call.account, (counts.get(call.account) ?? 0) + 1);
    this.counts = counts;
    follow(this.rows, found.slice(0, MOST), one => one.jid, () => new AccountRow());
    say(this.rest, found.length > MOST ? `and ${found.length - MOST} more` : found.length || !board.state ? "" : "No account fits.");
  }
}

class AccountRow extends HTMLElement {
  shown = "";

  /** @param {import("./board.js").Account} account */
  show(account) {
    const list = /** @type {AccountList} */ (this.closest("account-list"));
    const calls = list?.counts?.get(account.jid) ?? 0;
    const chosen = decodeURIComponent(location.hash.split("/")[2] ?? "") === account.jid;
    const now = JSON.stringify([account.state, account.detail, account.failure, account.bot, account.show, account.status, calls, chosen, session.may("control"), board.lostAt]);
    if (now === this.shown) return;
    this.shown = now;
    this.setAttribute("role", "listitem");
    const isOff = OFF.includes(account.state), isLeaving = account.state === "leaving";
    const act = () => attempt(() => post(`${accountPath(account.jid)}/${isOff ? "login" : "logout"}`));
    const words = account.failure ? `bot failed: ${account.failure}` : account.detail;
    fill(this,
      h("a.row", {href: `#/accounts/${escaped(account.jid)}`, "aria-current": chosen ? "page" : undefined},
        avatar(account.jid, TONES[account.state] ?? ""),
        h("span.row-main", {},
          h("span.row-title", {}, ...jointed(account.jid)),
          h("span.row-note", {}, ...joined(" · ", board.stands(account.state), SHOWS[account.show] ?? account.show, account.status, account.bot, calls ? `${calls} ${calls === 1 ? "call" : "calls"}` : "")),
          words && h(isLeaving ? "span.row-note" : "span.row-note.bad-text", {}, ...joined("", words)))),
      session.may("control") && h("button.plain.small", {type: "button", disabled: isLeaving, onclick: act, "aria-label": `${isOff ? "Log in" : "Log out"} ${account.jid}`}, isOff ? "Log in" : "Log out"),
    );
  }
}

/** @param {Element} place @param {string} account */
export function unknownAccount(place, account) {
  nothing(place, "There is no such account", `Callboard runs no account ${account}.`, "h2", {href: "#/", words: "See the accounts"});
}

/** @param {Element} place */
export function noAccount(place) {
  nothing(place, "Choose an account", "Its conversations, messages and calls are shown here.");
}

customElements.define("account-row", AccountRow);
customElements.define("account-list", AccountList);
