import { abortError } from "./errors.js";

const PLACE = "/presign-result";

/**
 * Do something in one tab at a time. The tabs that wait for it get its result if it succeeds, and otherwise their turn.
 * A page that was not loaded by HTTPS has no locks, and does not wait; a sandboxed frame is refused them.
 *
 * @template T
 * @param {string} name
 * @param {AbortSignal} signal  Ends the wait.
 * @param {() => Promise<T>} action
 * @returns {Promise<T>}
 */
export async function oneAtATime(name, signal, action) {
  const locks = globalThis.navigator?.locks;
  if (!locks) return action();
  const askedAt = Date.now();
  let isDenied = true;
  try {
    return await locks.request(name, { signal }, async () => {
      isDenied = false;
      const told = await takeResult(name);
      // An older result is of a tab that nobody waited for any more.
      const result = told?.at >= askedAt ? told.result : await action();
      await leaveResult(name, { at: Date.now(), result });
      return result;
    });
  } catch (error) {
    if (signal.aborted) throw abortError(signal);
    if (isDenied) return action();
    throw error;
  }
}

/**
 * Leave a result for the next tab, if one waits. All tabs see a cache as it is now, unlike `localStorage`.
 *
 * @param {string} name
 * @param {unknown} result
 */
async function leaveResult(name, result) {
  try {
    const { pending = [] } = await navigator.locks.query();
    if (!pending.some((other) => other.name === name)) return;
    await (await caches.open(name)).put(PLACE, new Response(JSON.stringify(result)));
  } catch {
    // Then the next tab does the same again.
  }
}

/**
 * @param {string} name
 * @returns {Promise<any>}
 */
async function takeResult(name) {
  try {
    const answer = await caches.match(PLACE, { cacheName: name });
    const result = answer ? await answer.json() : null;
    await caches.delete(name);
    return result;
  } catch {
    return null;
  }
}
