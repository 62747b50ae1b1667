/** @import { PresignError } from "./errors.js" */
import { invalidArgument } from "./errors.js";

/**
 * The options of a call; none if they are left out.
 *
 * @template {object} T
 * @param {T | null} [options]
 * @returns {T}
 */
export function optionsOf(options) {
  const given = options ?? /** @type {T} */ ({});
  if (typeof given !== "object") throw invalidArgument("The options must be an object.");
  return given;
}

/**
 * The error for a value that is no text; null if it is one.
 *
 * @param {unknown} value
 * @param {string} name  Of the value, in the error's sentence.
 * @returns {PresignError | null}
 */
export function textError(value, name) {
  if (typeof value !== "string") return invalidArgument(`${name} must be a text.`);
  return /[\ud800-\udfff]/u.test(value) ? invalidArgument(`${name} has half a character: a lone surrogate.`) : null;
}

/**
 * Fail if a value is no text.
 *
 * @param {unknown} value
 * @param {string} name  Of the value, in the error's sentence.
 */
export function checkText(value, name) {
  const error = textError(value, name);
  if (error) throw error;
}

/**
 * Fail if a value is given for an option and is no text.
 *
 * @param {Record<string, unknown>} options  By name.
 */
export function checkTexts(options) {
  for (const [name, value] of Object.entries(options)) checkText(value ?? "", `The option \`${name}\``);
}

/**
 * Fail if a value is given for an option and is no function.
 *
 * @param {Record<string, unknown>} options  By name.
 */
export function checkFunctions(options) {
  for (const [name, value] of Object.entries(options)) {
    if (typeof (value ?? checkFunctions) !== "function") {
      throw invalidArgument(`The option \`${name}\` must be a function.`);
    }
  }
}
