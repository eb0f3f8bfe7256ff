// Elements, made without any HTML: what comes from elsewhere is text and stays text.

/** @typedef {Node | string | number | null | undefined | false} Child */

/** Characters that are not seen and change how others are: controls, those of bidirectional text, and marks without a width. */
const UNSEEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;

/**
 * Let everything in a text be seen that others have written.
 * @param {string} text
 */
export function visible(text) {
  return text.replace(UNSEEN, one => {
    const code = one.charCodeAt(0);
    return code < 32 ? String.fromCharCode(0x2400 + code) : code === 127 ? "\u2421" : `[U+${code.toString(16).toUpperCase().padStart(4, "0")}]`;
  });
}

/**
 * Put texts of others in a row, so that the direction of one (Hebrew, Arabic …) moves nothing around it.
 * @param {string} between
 * @param {...(string | null | undefined | false)} parts those that are empty are left out
 * @returns {Child[]}
 */
export function joined(between, ...parts) {
  return parts.filter(Boolean).flatMap((one, place) => [place ? between : "", h("bdi", {}, ...jointed(/** @type {string} */ (one), LONG))]);
}

/** Characters of a word that is longer than most places have room for. */
const LONG = 18;
/** Where a long word is best broken: before a mark within it, as in an address or the name of a class. */
const JOINT = /(?<=\S{4})(?=[@.:_/]\S{3})/;

/**
 * Let words that are too long for their line be broken at their joints, and elsewhere only if that is not enough.
 * @param {string} text
 * @param {number} [least] characters of a word from which on it may be
 * @returns {Child[]}
 */
export function jointed(text, least = 1) {
  return text.split(/(\s+)/).flatMap(word => word.length < least ? [word]
    : word.split(JOINT).flatMap((one, place) => place ? [h("wbr"), one] : [one]));
}

/**
 * Make an element.
 * @param {string} what its name, with classes as in "button.primary"
 * @param {Record<string, any>} [with_] properties; attributes if the name has a dash, or is role
 * @param {...(Child | Child[])} children
 * @returns {any}
 */
export function h(what, with_ = {}, ...children) {
  const [name, ...classes] = what.split(".");
  const element = document.createElement(name);
  element.classList.add(...classes);
  for (const [key, value] of Object.entries(with_)) {
    if (value === undefined || value === null) continue;
    if (["onclick", "onsubmit"].includes(key)) /** @type {any} */ (element)[key] = once(element, value);
    else if (key.includes("-") || ["role", "for", "list", "dir"].includes(key)) element.setAttribute(key, key.startsWith("aria-") ? visible(String(value)) : String(value));
    else /** @type {any} */ (element)[key] = value;
  }
  element.append(...usable(children));
  return element;
}

/**
 * Do one thing at a time: what was begun and goes on is not begun again, and the second click of a double click
 * is none of its own. What gives no promise is done each time.
 * @param {HTMLElement} element a button, or a form, whose button is off meanwhile
 * @param {(event: any) => any} act
 */
function once(element, act) {
  let isBusy = false, hasBegun = false;
  return (/** @type {UIEvent} */ event) => {
    if (isBusy || (hasBegun && event.detail > 1)) {
      event.preventDefault();
      return;
    }
    const work = act(event);
    hasBegun = work instanceof Promise;
    if (!hasBegun) return;
    isBusy = true;
    const button = element.querySelector("[type=submit]") ?? element;
    button.setAttribute("aria-disabled", "true");  // disabled, it would lose the keyboard
    work.catch(() => {}).finally(() => {
      isBusy = false;
      button.removeAttribute("aria-disabled");
    });
  };
}

const FOCUSABLE = "a[href], button, input, select, textarea, summary, [tabindex]";

/**
 * Put children in the place of those that an element has. Who is at one of them with the keyboard
 * is then at the one of the same name, or else at the one in its place.
 * @param {Element} element
 * @param {...(Child | Child[])} children
 */
export function fill(element, ...children) {
  const focused = document.activeElement;
  const place = focused ? [...element.querySelectorAll(FOCUSABLE)].indexOf(focused) : -1;
  const name = focused && place >= 0 ? nameOf(focused) : "";
  element.replaceChildren(...usable(children));
  // What is new may have taken the keyboard itself.
  if (place < 0 || focused?.isConnected || element.contains(document.activeElement)) return;
  const others = /** @type {HTMLElement[]} */ ([...element.querySelectorAll(FOCUSABLE)]);
  (others.find(one => nameOf(one) === name) ?? others[Math.min(place, others.length - 1)])?.focus({preventScroll: true});
  if (!element.contains(document.activeElement)) goOn(element);
}

/** Let who was in a part that has nothing for the keyboard any more go on near by. @param {Element} part */
function goOn(part) {
  for (let place = part.parentElement; place; place = place.parentElement) {
    const others = /** @type {HTMLElement[]} */ ([...place.querySelectorAll(FOCUSABLE)].filter(one => one.checkVisibility()));
    const next = others.find(one => part.compareDocumentPosition(one) === Node.DOCUMENT_POSITION_FOLLOWING) ?? others.at(-1);
    (next ?? place).focus({preventScroll: true});
    if (document.activeElement !== document.body) return;
  }
}

/** @param {Element} element */
function nameOf(element) {
  return [element.localName, element.getAttribute("href") ?? element.getAttribute("aria-label") ?? element.textContent].join(" ");
}

/**
 * @param {(Child | Child[])[]} children
 * @returns {(Node | string)[]}
 */
function usable(children) {
  return /** @type {any[]} */ (children.flat()).filter(one => one !== null && one !== undefined && one !== false)
    .map(one => one instanceof Node ? one : visible(String(one)));
}

/**
 * Put what somebody has opened where all of it is seen, if it can be.
 * @param {Element | undefined} place @param {Element} opened
 */
export function open(place, opened) {
  place?.append(opened);
  opened.scrollIntoView({block: "nearest"});
}

/**
 * Take away what somebody has opened. Who is in it with the keyboard is then where it was opened.
 * @param {Element} element
 * @param {HTMLElement | null | undefined} opener
 */
export function close(element, opener) {
  const isInside = element.contains(document.activeElement);
  element.remove();
  if (isInside) opener?.focus();
}

/**
 * Make a list's rows follow its items, and touch only what differs. Who is at one of them with the
 * keyboard stays there when it moves, and is at the one in its place when it is gone.
 * @template T
 * @param {Element} list
 * @param {T[]} items
 * @param {(item: T) => string} key
 * @param {(item: T) => any} make makes a row with a method `show(item)`
 */
export function follow(list, items, key, make) {
  const rows = new Map([...list.children].map(row => [row.getAttribute("data-key"), row]));
  const focused = /** @type {HTMLElement | null} */ (document.activeElement);
  const at = [...list.children].findIndex(row => row.contains(focused));
  const held = list.children[at]?.getAttribute("data-key");
  const name = focused && at >= 0 ? nameOf(focused) : "";
  let place = list.firstElementChild;
  for (const item of items) {
    const name = key(item);
    let row = /** @type {any} */ (rows.get(name));
    rows.delete(name);
    if (row === undefined) {
      row = make(item);
      row.setAttribute("data-key", name);
    }
    row.show?.(item);
    if (row === place) place = place?.nextElementSibling ?? null;
    else list.insertBefore(row, place);
  }
  for (const row of rows.values()) row.remove();
  if (at < 0 || list.contains(document.activeElement)) return;
  const row = [...list.children].find(one => one.getAttribute("data-key") === held) ?? list.children[Math.min(at, list.children.length - 1)];
  const parts = /** @type {HTMLElement[]} */ ([...row?.querySelectorAll(FOCUSABLE) ?? []]);
  (parts.find(one => nameOf(one) === name) ?? parts[0])?.focus({preventScroll: true});
  if (!list.contains(document.activeElement)) goOn(list);
}

/**
 * Set an element's text, if it has another one.
 * @param {Element} element
 * @param {string} text
 */
export function say(element, text) {
  const seen = visible(text);
  if (element.textContent !== seen) element.textContent = seen;
}
