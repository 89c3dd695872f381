// Compiles the contracts in this folder; see README.md. Usage: node compile.mjs <folder with solc installed>
import { createRequire } from "node:module";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const VERSION = "0.8.30";
const here = dirname(fileURLToPath(import.meta.url));
const require = createRequire(join(resolve(process.argv[2] ?? "."), "package.json"));
const solc = require("solc");
// solc depends on it.
const { keccak256 } = require("js-sha3");
if (!solc.version().startsWith(VERSION + "+")) throw new Error(`solc ${VERSION} needed, found ${solc.version()}`);

const files = readdirSync(here).filter((name) => name.endsWith(".sol")).sort();
const input = {
  language: "Solidity",
  sources: Object.fromEntries(files.map((name) => [name, { content: readFileSync(join(here, name), "utf8") }])),
  settings: {
    evmVersion: "paris",
    optimizer: { enabled: true, runs: 10000 },
    // No metadata: the bytecode depends on the code alone.
    metadata: { appendCBOR: false, bytecodeHash: "none" },
    outputSelection: { "*": { "*": ["evm.bytecode.object", "evm.deployedBytecode.object", "storageLayout"] } },
  },
};
const output = JSON.parse(solc.compile(JSON.stringify(input)));
for (const error of output.errors ?? []) console.error(error.formattedMessage);
if ((output.errors ?? []).some((error) => error.severity === "error")) process.exit(1);

for (const file of files) {
  const name = file.replace(".sol", "");
  const { evm } = output.contracts[file][name];
  writeFileSync(join(here, `${name}.init.hex`), evm.bytecode.object + "\n");
  writeFileSync(join(here, `${name}.runtime.hex`), evm.deployedBytecode.object + "\n");
}

const hashed = readdirSync(here).filter((name) => /\.(sol|hex)$/.test(name)).sort();
const lines = hashed.map((name) => {
  const text = readFileSync(join(here, name));
  // Of bytecode the bytes are hashed, not their hex text.
  const bytes = name.endsWith(".hex") ? Buffer.from(text.toString().trim(), "hex") : text;
  return `${keccak256(bytes)}  ${name}\n`;
});
writeFileSync(join(here, "hashes.txt"), lines.join(""));
