// What can be played: sources with a name, and files of the folder that the board may play.
import {get} from "./api.js";
import {h} from "./dom.js";

/** @type {Promise<{files: string[]}> | null} */
let asked = null;

/** Ask for the files; who asks at the same time shares the answer. */
function files() { return asked ??= get("/api/files").finally(() => { asked = null; }); }

/**
 * Offer it for an input.
 * @param {string} id which the input names as its list
 * @param {string[]} named sources with a name
 */
export function offered(id, named) {
  const list = h("datalist", {id}, ...named.map(value => h("option", {value})));
  files()
    .then(found => list.append(...found.files.map((/** @type {string} */ value) => h("option", {value}))))
    .catch(() => {});  // these are only proposals
  return list;
}
