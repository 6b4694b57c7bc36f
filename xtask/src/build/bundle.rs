//! One file of JavaScript for each entry: esbuild → terser.

use std::fs;

use anyhow::{Context, Result};

use super::map::Mapped;
use super::wasm::Names;
use super::wasm::Part;
use super::{Entry, Flavour};
use crate::tools::{Cmd, Repo};

/// Bundles an entry with all that it imports.
pub(super) fn bundle(repo: &Repo, entry: Entry, flavour: Flavour, names: &Names) -> Result<Mapped> {
    let cmd = repo
        .npm_cmd("esbuild")?
        .args([
            entry.source(),
            "--bundle",
            "--format=esm",
            "--target=es2022",
        ])
        .args([
            "--platform=neutral",
            "--charset=utf8",
            "--legal-comments=none",
        ])
        // wasm-bindgen's glue may do without them, and a core is freed by hand.
        .args([
            "--define:FinalizationRegistry=undefined",
            "--define:Symbol.dispose=undefined",
        ])
        .arg("--log-level=warning");
    match flavour {
        Flavour::Release => {
            let cmd = match entry.part() {
                Part::Text => shortened(repo, cmd, names)?,
                Part::Voice => cmd,
            };
            minify(repo, entry, &mapped(cmd.arg("--minify")).output()?)
        }
        Flavour::Dev => Mapped::of_inline(&mapped(cmd).output()?),
    }
}

/// Has esbuild give members short names: to the wasm's exports those that wasm-opt gave them.
fn shortened(repo: &Repo, cmd: Cmd, names: &Names) -> Result<Cmd> {
    let cache = repo.path(Part::Text.out()).join("names.json");
    fs::write(&cache, serde_json::to_string(names)?).context("the names cannot be written")?;
    let exports = names.keys().map(String::as_str);
    let members: Vec<&str> = INTERNAL.into_iter().chain(exports).collect();
    Ok(cmd
        .arg(format!("--mangle-props=^({})$", members.join("|")))
        .arg(format!("--mangle-cache={}", cache.display())))
}

/// Members that only the package's own modules see and name by nothing but an identifier: the text entry's bundle has short
/// names for them. What an application, the wire, the browser or `throughline/schemas` names must never be here.
const INTERNAL: [&str; 45] = [
    "badMessage",
    "overflowed",
    "refusal",
    "askToken",
    "refreshToken",
    "opened",
    "setAlarm",
    "listeners",
    "tellRecovered",
    "nameOf",
    "trap",
    "locate",
    "addressOf",
    "identity",
    "links",
    "openers",
    "waiters",
    "shapeOf",
    "textOf",
    "receive",
    "greeting",
    "typeOf",
    "json",
    "native",
    "emit",
    "options",
    "record",
    "settle",
    "sends",
    "signs",
    "prepare",
    "latest",
    "found",
    "whole",
    "moved",
    "owner",
    "kit",
    "progress",
    "problem",
    "asking",
    "adrift",
    "written",
    "mute",
    "enter",
    "greet",
];

/// Makes a minified bundle smaller still: by 4 %, since terser looks at it three times.
fn minify(repo: &Repo, entry: Entry, text: &str) -> Result<Mapped> {
    let folder = repo.path(entry.part().out());
    let [bundle, small, map] =
        ["bundle.js", "small.js", "small.js.map"].map(|name| folder.join(name));
    fs::write(&bundle, text).context("the bundle cannot be written")?;
    repo.npm_cmd("terser")?
        .arg(bundle)
        .args(["--ecma", "2022", "--module", "--mangle"])
        .args(["--compress", "passes=3"])
        .args(["--source-map", "content=inline,includeSources"])
        .arg("-o")
        .arg(&small)
        .output()?;
    Mapped::of(&fs::read_to_string(small)?, &fs::read_to_string(map)?)
}

/// Bundles what binds the package to schemas or to a framework, which stay outside.
pub(super) fn binding(repo: &Repo, name: &str, flavour: Flavour) -> Result<Mapped> {
    let cmd = repo.npm_cmd("esbuild")?.arg(format!("pkg/js/{name}.js"));
    let cmd = cmd
        .args(["--bundle", "--packages=external", "--format=esm"])
        .args(["--target=es2022", "--platform=neutral", "--charset=utf8"])
        .args(["--legal-comments=none", "--log-level=warning"]);
    Mapped::of_inline(&mapped(minified(cmd, flavour)).output()?)
}

/// Makes the file that the audio thread loads.
pub(super) fn worklet(repo: &Repo, flavour: Flavour) -> Result<Mapped> {
    let cmd = repo.npm_cmd("esbuild")?.args([
        "pkg/js/voice/worklet.js",
        "--target=es2022",
        "--log-level=warning",
    ]);
    Mapped::of_inline(&mapped(minified(cmd, flavour)).output()?)
}

fn minified(cmd: Cmd, flavour: Flavour) -> Cmd {
    match flavour {
        Flavour::Release => cmd.arg("--minify"),
        Flavour::Dev => cmd,
    }
}

fn mapped(esbuild: Cmd) -> Cmd {
    esbuild.arg("--sourcemap=inline")
}
