// How often something is loaded that events say has changed: they may come by the hundred in a second.

/** Milliseconds between the beginnings of two loads. */
const LEAST = 500;

/**
 * Let something be loaded once at a time, however often that is asked for: at once, and once more if
 * somebody has asked meanwhile, since what was loaded may have been of before.
 * @param {() => any} load what is loaded; it may give a promise
 * @returns {() => Promise<void>} asks for it
 */
export function paced(load) {
  let isBusy = false, isStale = false;
  return async () => {
    isStale = true;
    if (isBusy) return;
    isBusy = true;
    while (isStale) {
      isStale = false;
      const rest = new Promise(done => setTimeout(done, LEAST));
      try {
        await load();
      } catch (error) {
        reportError(error);
      }
      await rest;
    }
    isBusy = false;
  };
}
