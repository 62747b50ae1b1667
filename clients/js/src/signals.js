import { abortError, invalidArgument } from "./errors.js";

/**
 * Fail if the signal is aborted, or if it is none.
 *
 * @param {AbortSignal | null} [signal]
 */
export function checkSignal(signal) {
  if (signal === undefined || signal === null) return;
  if (typeof signal.aborted !== "boolean") throw invalidArgument("The signal must be an AbortSignal.");
  if (signal.aborted) throw abortError(signal);
}

/**
 * Run an action with a signal of its own, which is aborted with `signal`, and by its controller. `AbortSignal.any`
 * would do the same, but Safari has it since 17.4 only.
 *
 * @template T
 * @param {AbortSignal | undefined} signal
 * @param {(controller: AbortController) => Promise<T>} action
 * @returns {Promise<T>}
 */
export async function following(signal, action) {
  checkSignal(signal);
  const controller = new AbortController();
  const follow = () => controller.abort(signal?.reason);
  signal?.addEventListener("abort", follow);
  try {
    return await action(controller);
  } catch (error) {
    throw signal?.aborted ? abortError(signal) : error;
  } finally {
    signal?.removeEventListener("abort", follow);
  }
}

/**
 * Run an action with a signal that is aborted with `signal`, or when the time is over.
 *
 * @template T
 * @param {number} milliseconds
 * @param {AbortSignal | undefined} signal
 * @param {(signal: AbortSignal) => Promise<T>} action
 * @returns {Promise<T>}
 */
export function within(milliseconds, signal, action) {
  return following(signal, async (controller) => {
    const end = () => controller.abort(new DOMException("The time is over.", "TimeoutError"));
    const timer = setTimeout(end, milliseconds);
    try {
      return await action(controller.signal);
    } finally {
      clearTimeout(timer);
    }
  });
}

/**
 * Run an action with a signal that is aborted some time after `signal`, so that an answer that is near still comes.
 *
 * @template T
 * @param {number} milliseconds
 * @param {AbortSignal} signal
 * @param {(signal: AbortSignal) => Promise<T>} action
 * @returns {Promise<T>}
 */
export async function outlasting(milliseconds, signal, action) {
  const controller = new AbortController();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const follow = () => (timer = setTimeout(() => controller.abort(signal.reason), milliseconds));
  signal.addEventListener("abort", follow);
  try {
    return await action(controller.signal);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", follow);
  }
}

/**
 * Wait for a promise, but no longer than until the signal is aborted.
 *
 * @template T
 * @param {T | Promise<T>} promise
 * @param {AbortSignal} [signal]
 * @returns {Promise<T>}
 */
export function unlessAborted(promise, signal) {
  return following(signal, ({ signal: own }) =>
    Promise.race([
      promise,
      new Promise((_, reject) => own.addEventListener("abort", () => reject(abortError(own)))),
    ]),
  );
}
