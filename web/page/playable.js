// What can be played: sources with a name, and files of the folder that the board may play.
import {get} from "./api.js";
import {h} from "./dom.js";

/** @typedef {{files: string[], sounds: string[], pictures: string[]}} Found */

/** @type {Promise<Found> | null} */
let asked = null;

/** Ask for the files; who asks at the same time shares the answer. */
function files() { return asked ??= get("/api/files").finally(() => { asked = null; }); }

/**
 * Offer it for an input.
 * @param {string} id which the input names as its list
 * @param {string[]} named sources with a name
 * @param {keyof Found} kind what a file must have
 */
export function offered(id, named, kind) {
  const list = h("datalist", {id}, ...named.map(value => h("option", {value})));
  files()
    .then(found => list.append(...found[kind].map((/** @type {string} */ value) => h("option", {value}))))
    .catch(() => {});  // these are only proposals
  return list;
}
