//! The text's module as JavaScript, for pages that may compile no WebAssembly: wasm-opt → wasm2js → terser.

use std::fs;

use anyhow::{Context, Result, ensure};

use super::Flavour;
use super::wasm::{Module, Part, renaming, shrinking};
use crate::tools::{Cmd, Repo};

/// What rustc lets a module use and wasm2js understands once it is lowered.
const FEATURES: [&str; 4] = [
    "--enable-bulk-memory",
    "--enable-bulk-memory-opt",
    "--enable-mutable-globals",
    "--enable-sign-ext",
];

/// Conversions that saturate, by their own functions: binaryen's lowering has what is too large become 0, and servers choose numbers.
const SATURATING: &str = include_str!("saturating.wat");

/// Makes a function, as text, that returns a module's exports with a memory of their own.
pub(super) fn script(repo: &Repo, module: &Module, flavour: Flavour) -> Result<String> {
    let folder = repo.path(Part::Text.out());
    let [text, lowered, script] =
        ["script.wat", "script.wasm", "script.js"].map(|name| folder.join(name));
    let spelled = repo
        .npm_cmd("wasm-dis")?
        .arg("--all-features")
        .arg(&module.raw)
        .output()?;
    fs::write(&text, saturated(&spelled)?)?;
    let wasm_opt = repo.npm_cmd("wasm-opt")?.args(FEATURES).arg(&text);
    let lowering = |cmd: Cmd| {
        cmd.args(["--llvm-memory-copy-fill-lowering", "--signext-lowering"])
            .args(["-Oz", "-o"])
            .arg(&lowered)
    };
    match flavour {
        Flavour::Release => {
            let names = renaming(lowering(shrinking(wasm_opt)))?;
            ensure!(
                names == module.names,
                "the module has other names as JavaScript"
            );
        }
        Flavour::Dev => lowering(wasm_opt).output().map(drop)?,
    }
    repo.npm_cmd("wasm2js")?
        .arg("-Oz")
        .arg(&lowered)
        .arg("-o")
        .arg(&script)
        .output()?;
    let made = fs::read_to_string(&script).context("wasm2js wrote nothing")?;
    let (body, _) = made
        .split_once("var retasmFunc")
        .context("wasm2js ends otherwise than it did")?;
    ensure!(
        !body.contains("import "),
        "the module wants something of the page"
    );
    let function = format!("export default function () {{\n{body}\nreturn asmFunc({{}});\n}}\n");
    fs::write(&script, function)?;
    let small = repo
        .npm_cmd("terser")?
        .arg(&script)
        .args(["--ecma", "2022", "--module", "--mangle"])
        .args(["--compress", "passes=3"])
        .output()?;
    let function = small.trim().strip_prefix("export default ");
    Ok(function
        .context("terser made something else of a function")?
        .trim_end_matches(';')
        .to_owned())
}

/// Puts calls where a module converts a number to one that it may not fit.
fn saturated(text: &str) -> Result<String> {
    let text = text
        .replace("(i32.trunc_sat_f64_u", "(call $whole_u32")
        .replace("(i64.trunc_sat_f64_u", "(call $whole_u64");
    ensure!(
        !text.contains(".trunc_sat_"),
        "saturating.wat lacks a conversion that the module needs"
    );
    let module = text
        .trim_end()
        .strip_suffix(')')
        .context("wasm-dis wrote no module")?;
    Ok(format!("{module}{SATURATING})\n"))
}

#[cfg(test)]
mod tests {
    use super::saturated;

    #[test]
    fn what_does_not_fit_is_found_by_a_call() {
        let text = "(module\n (drop (i32.trunc_sat_f64_u\n  (f64.const 1)))\n)\n";
        let Ok(made) = saturated(text) else {
            panic!("refused");
        };
        assert!(made.starts_with("(module\n (drop (call $whole_u32\n  (f64.const 1)))\n"));
        assert!(made.contains("(func $whole_u32") && made.ends_with(")\n"));
    }

    #[test]
    fn a_conversion_without_a_function_is_refused() {
        assert!(saturated("(module (i32.trunc_sat_f32_s (f32.const 1)))").is_err());
    }
}
