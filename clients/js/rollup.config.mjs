// Joins the modules of src/ into presign.js: `npm --prefix tests/browser run build`.

/** Lines that name a type's module, which have no meaning in one file. */
const TYPE_IMPORT = /^\/\*\* @import .*\*\/\n/gm;

export default {
  input: new URL("src/index.js", import.meta.url).pathname,
  output: { file: new URL("presign.js", import.meta.url).pathname, format: "es" },
  plugins: [{ name: "without-type-imports", transform: (code) => code.replace(TYPE_IMPORT, "") }],
};
