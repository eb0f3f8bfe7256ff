// A round mark that tells one address from another.
import {h} from "./dom.js";
import {bare, user} from "./words.js";

/** @param {string} jid @param {string} [tone] state, as a dot */
export function avatar(jid, tone) {
  let sum = 0;
  for (const letter of bare(jid)) sum = (sum * 31 + letter.charCodeAt(0)) % 360;
  const mark = h("span.avatar", {"aria-hidden": "true"}, user(jid).slice(0, 2).toUpperCase());
  mark.style.setProperty("--hue", String(sum));
  if (tone !== undefined) mark.append(h("span.dot", {}));
  if (tone) mark.lastElementChild.classList.add(tone);
  return mark;
}

/** @param {string} word @param {string} [tone] */
export function badge(word, tone = "") {
  const mark = h("span.badge", {}, word);
  if (tone) mark.classList.add(tone);
  return mark;
}
