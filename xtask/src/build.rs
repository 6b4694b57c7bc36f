//! `cargo xtask build`: cargo → wasm-bindgen → wasm-opt → inlined text → one bundled file.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::size::{Binding, Sizes};
use crate::tools::{Cmd, Repo, timed};
use crate::{inline, licences};

/// What a build is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flavour {
    /// Small: what is published.
    Release,
    /// Quick: what is debugged.
    Dev,
}

/// What a page imports; each has a wasm of its own.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Entry {
    /// `throughline`: text and data.
    Text,
    /// `throughline/voice`: all of it plus WebRTC and audio.
    Voice,
}

impl Entry {
    /// Every entry, in the order they are built.
    pub(crate) const ALL: [Self; 2] = [Self::Text, Self::Voice];

    /// The name of its budget and of the folder with its wasm.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Voice => "voice",
        }
    }

    const fn source(self) -> &'static str {
        match self {
            Self::Text => "pkg/js/index.js",
            Self::Voice => "pkg/js/voice/index.js",
        }
    }

    const fn bundle(self) -> &'static str {
        match self {
            Self::Text => "pkg/dist/throughline.js",
            Self::Voice => "pkg/dist/voice.js",
        }
    }

    const fn features(self) -> &'static [&'static str] {
        match self {
            Self::Text => &[],
            Self::Voice => &["--features", "voice"],
        }
    }

    fn out(self) -> String {
        format!("pkg/wasm/{}", self.name())
    }

    fn bytes(self) -> String {
        format!("{}/bytes.js", self.out())
    }
}

/// What a build left behind.
pub(crate) struct Built {
    /// The wasm that was inlined.
    pub(crate) wasm: PathBuf,
    /// The one file a page loads.
    pub(crate) bundle: PathBuf,
    /// The bundle with an empty string where the wasm goes.
    pub(crate) js_alone: String,
}

/// What goes into the package beside the code.
const PAPERS: [&str; 4] = ["LICENSE-APACHE", "LICENSE-MIT", "PROTOCOL.md", "README.md"];

/// Stands for the wasm while esbuild runs, which would otherwise escape more of it than the language asks for.
const PLACEHOLDER: &str = "\"@throughline-wasm-bytes@\"";

/// Builds every entry; a release build reports its sizes and is held to its budget.
pub(crate) fn run(repo: &Repo, flavour: Flavour) -> Result<()> {
    for paper in PAPERS {
        fs::copy(repo.existing(paper)?, repo.path("pkg").join(paper))
            .with_context(|| format!("{paper} cannot be copied"))?;
    }
    licences::write(repo)?;
    for size in bindings(repo, flavour)? {
        size.check()?;
    }
    for entry in Entry::ALL {
        match flavour {
            Flavour::Release => measured(repo, entry)?.check()?,
            Flavour::Dev => drop(package(repo, entry, flavour)?),
        }
    }
    Ok(())
}

/// Makes a release build of an entry and reports its sizes, whatever the budget says.
pub(crate) fn measured(repo: &Repo, entry: Entry) -> Result<Sizes> {
    let built = package(repo, entry, Flavour::Release)?;
    let sizes = Sizes::of(repo, entry.name(), &built)?;
    sizes.report();
    Ok(sizes)
}

fn package(repo: &Repo, entry: Entry, flavour: Flavour) -> Result<Built> {
    let (built, seconds) = timed(|| steps(repo, entry, flavour));
    eprintln!(
        "{} in {seconds:.1} s",
        built.as_ref().map_or("failed", |_| entry.bundle())
    );
    built
}

fn steps(repo: &Repo, entry: Entry, flavour: Flavour) -> Result<Built> {
    repo.existing(entry.source())?;
    let wasm = compile(repo, entry, flavour)?;
    let names = match flavour {
        Flavour::Release => optimize(repo, entry, &wasm)?,
        Flavour::Dev => Names::default(),
    };
    if entry == Entry::Voice {
        worklet(repo, flavour)?;
    }
    let bytes = fs::read(&wasm).context("there is no wasm")?;
    let literal = inline::template_literal(&bytes);

    fs::write(repo.path(entry.bytes()), module(PLACEHOLDER))?;
    let text = bundle(repo, entry, flavour, &names);
    // Written whatever became of the bundle, so that a placeholder never stays behind.
    fs::write(repo.path(entry.bytes()), module(&literal))?;
    let text = text?;
    verify_round_trip(repo, entry, &wasm)?;

    let places = text.matches(PLACEHOLDER).count();
    ensure!(
        places == 1,
        "the bundle names the wasm {places} times, not once: does {} import {}?",
        entry.source(),
        entry.bytes()
    );
    let unused = text
        .find("import.meta")
        .or_else(|| text.find("_bg.wasm\", "));
    ensure!(
        unused.is_none(),
        "the bundle still looks for a .wasm file of its own: is \"sideEffects\": false in pkg/package.json?"
    );
    let bundle = repo.path(entry.bundle());
    fs::create_dir_all(repo.path("pkg/dist"))?;
    fs::write(&bundle, text.replace(PLACEHOLDER, &literal))?;
    Ok(Built {
        wasm,
        bundle,
        js_alone: text.replace(PLACEHOLDER, "\"\""),
    })
}

/// Makes an entry's wasm: the text entry's is called by its own exports, voice's by wasm-bindgen's glue.
fn compile(repo: &Repo, entry: Entry, flavour: Flavour) -> Result<PathBuf> {
    let (profile, folder) = match flavour {
        Flavour::Release => ("wasm-release", "wasm-release"),
        Flavour::Dev => ("dev", "debug"),
    };
    repo.cmd("cargo")
        .args([
            "rustc",
            "-p",
            "throughline",
            "--lib",
            "--no-default-features",
            "--crate-type",
            "cdylib",
        ])
        .args(entry.features())
        .args(["--target", "wasm32-unknown-unknown", "--profile", profile])
        // Each session has a memory of its own, of which the stack would be a megabyte.
        .args(["--", "-Clink-arg=-zstack-size=65536"])
        // What makes code faster by saying it twice; together 1 % of the text entry.
        .arg("-Cllvm-args=-inline-threshold=0 -enable-pre=false -disable-lsr")
        .run_aside()?;
    let raw = repo
        .target()?
        .join("wasm32-unknown-unknown")
        .join(folder)
        .join("throughline.wasm");
    let wasm = repo.path(entry.out()).join("throughline_bg.wasm");
    match entry {
        Entry::Text => {
            fs::create_dir_all(repo.path(entry.out()))?;
            fs::copy(raw, &wasm).context("cargo wrote no wasm")?;
        }
        Entry::Voice => {
            bindgen(repo, entry, &raw)?;
            wrap_glue(repo, entry)?;
        }
    }
    Ok(wasm)
}

fn bindgen(repo: &Repo, entry: Entry, raw: &Path) -> Result<()> {
    let version = repo.locked("wasm-bindgen")?;
    let program = repo
        .find_version("wasm-bindgen", &version)
        .with_context(|| {
            format!(
                "no wasm-bindgen {version} (the version in Cargo.lock): run `cargo xtask setup`"
            )
        })?;
    repo.cmd(program)
        .args(["--target", "web", "--omit-default-module-path"])
        .args(["--encode-into", "always", "--out-name", "throughline"])
        .args(["--out-dir", &entry.out()])
        .arg(raw)
        .run_aside()
}

/// Makes the glue a function, so that each session has an instance, and a trap in one leaves the others alone.
fn wrap_glue(repo: &Repo, entry: Entry) -> Result<()> {
    let path = repo.path(entry.out()).join("throughline.js");
    let glue = fs::read_to_string(&path).context("wasm-bindgen wrote no glue")?;
    let (body, _) = glue
        .split_once("async function __wbg_load")
        .context("the glue's loader is not where it was")?;
    ensure!(
        body.contains("__wbg_finalize_init") && !body.contains("\nimport "),
        "the glue's shape has changed"
    );
    let names: Vec<&str> = body.lines().filter_map(exported).collect();
    let body = body
        .replace("\nexport class ", "\nclass ")
        .replace("\nexport function ", "\nfunction ");
    ensure!(
        !body.contains("\nexport "),
        "the glue exports more than classes and functions"
    );
    let wrapped = format!(
        "/** Makes an instance of its own of the compiled module. */\n\
         export function instantiate(module) {{\n{body}\
         __wbg_finalize_init(new WebAssembly.Instance(module, __wbg_get_imports()), module);\n\
         return {{ {} }};\n}}\n",
        names.join(", ")
    );
    fs::write(path, wrapped).context("the glue cannot be written")
}

/// The name of the class or function that a line exports.
fn exported(line: &str) -> Option<&str> {
    let line = line.strip_prefix("export ")?;
    match line.strip_prefix("class ") {
        Some(class) => class.strip_suffix(" {"),
        None => Some(line.strip_prefix("function ")?.split_once('(')?.0),
    }
}

/// Short names by the long ones that they stand for.
type Names = BTreeMap<String, String>;

/// Shrinks the wasm in place and returns its exports' short names; which features it may use, wasm-opt reads from rustc's own
/// section. To take the code apart before, twice, is worth 2 %.
fn optimize(repo: &Repo, entry: Entry, wasm: &Path) -> Result<Names> {
    let short = match entry {
        Entry::Text => ["--remove-exports=__*", "--minify-imports-and-exports"].as_slice(),
        Entry::Voice => &[],
    };
    let told = repo
        .npm_cmd("wasm-opt")?
        // The first kilobyte is the far end of the stack.
        .arg("--low-memory-unused")
        .args(["--flatten", "--rereloop", "-Oz"].repeat(2))
        .args([
            "-Oz",
            // Engines need no hints of how memory is aligned.
            "--dealign",
            "--strip-debug",
            "--strip-producers",
            "--strip-target-features",
        ])
        .args(short)
        .arg(wasm)
        .arg("-o")
        .arg(wasm)
        .output()?;
    match entry {
        Entry::Text => {
            let mut told: serde_json::Value = serde_json::from_str(&told)?;
            let exports: Vec<(String, String)> =
                serde_json::from_value(told["exports"].take()).context("wasm-opt told no names")?;
            Ok(exports.into_iter().collect())
        }
        Entry::Voice => Ok(Names::default()),
    }
}

/// Makes the file that the audio thread loads, and the same as text for the bundle, which makes a blob of it.
fn worklet(repo: &Repo, flavour: Flavour) -> Result<()> {
    let cmd = repo.npm_cmd("esbuild")?.args([
        "pkg/js/voice/worklet.js",
        "--target=es2022",
        "--log-level=warning",
    ]);
    let text = minified(cmd, flavour).output()?;
    fs::create_dir_all(repo.path("pkg/dist"))?;
    fs::write(repo.path("pkg/dist/audio-worklet.js"), &text)?;
    let literal = serde_json::to_string(&text)?;
    let module = format!("// Generated by `cargo xtask build`.\nexport default {literal};\n");
    fs::write(repo.path(Entry::Voice.out()).join("worklet.js"), module)
        .context("the worklet cannot be written")
}

fn minified(cmd: Cmd, flavour: Flavour) -> Cmd {
    match flavour {
        Flavour::Release => cmd.arg("--minify"),
        Flavour::Dev => cmd,
    }
}

fn bundle(repo: &Repo, entry: Entry, flavour: Flavour, names: &Names) -> Result<String> {
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
            let cmd = match entry {
                Entry::Text => shortened(repo, entry, cmd, names)?,
                Entry::Voice => cmd,
            };
            minify(repo, entry, &cmd.arg("--minify").output()?)
        }
        Flavour::Dev => cmd.output(),
    }
}

/// Has esbuild give members short names: to the wasm's exports those that wasm-opt gave them.
fn shortened(repo: &Repo, entry: Entry, cmd: Cmd, names: &Names) -> Result<Cmd> {
    let cache = repo.path(entry.out()).join("names.json");
    fs::write(&cache, serde_json::to_string(names)?).context("the names cannot be written")?;
    let exports = names.keys().map(String::as_str);
    let members: Vec<&str> = INTERNAL.into_iter().chain(exports).collect();
    Ok(cmd
        .arg(format!("--mangle-props=^({})$", members.join("|")))
        .arg(format!("--mangle-cache={}", cache.display())))
}

/// Members that only the package's own modules see and name by nothing but an identifier: the text entry's bundle has short
/// names for them. What an application, the wire, the browser or `throughline/schemas` names must never be here.
const INTERNAL: [&str; 38] = [
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
];

/// Makes a minified bundle smaller still: by 4 %, since terser looks at it three times.
fn minify(repo: &Repo, entry: Entry, text: &str) -> Result<String> {
    let path = repo.path(entry.out()).join("bundle.js");
    fs::write(&path, text).context("the bundle cannot be written")?;
    repo.npm_cmd("terser")?
        .arg(path)
        .args(["--ecma", "2022", "--module", "--mangle"])
        .args(["--compress", "passes=3"])
        .output()
}

fn module(literal: &str) -> String {
    format!(
        "// The wasm, one character a byte, masked. Generated by `cargo xtask build`.\nexport const mask = {};\nexport default {literal};\n",
        inline::MASK
    )
}

/// Has Node read the text back and compare it with the wasm, byte by byte.
fn verify_round_trip(repo: &Repo, entry: Entry, wasm: &Path) -> Result<()> {
    const SCRIPT: &str = r#"
        import { readFileSync } from "node:fs";
        import { pathToFileURL } from "node:url";
        const [wasm, module] = process.argv.slice(1);
        const { default: text, mask } = await import(pathToFileURL(module));
        const read = Uint8Array.from(text, (char) => char.charCodeAt(0) ^ mask);
        if (Buffer.compare(readFileSync(wasm), read) !== 0) throw new Error("the inlined wasm differs");
        new WebAssembly.Module(read);
    "#;
    repo.cmd("node")
        .args(["--input-type=module", "--eval", SCRIPT])
        .arg(wasm)
        .arg(repo.path(entry.bytes()))
        .output()
        .map(drop)
        .with_context(|| format!("{} does not give back the wasm", entry.bytes()))
}

/// Bundles what binds the package to schemas and to frameworks, which stay outside; a release build reports the sizes.
pub(crate) fn bindings(repo: &Repo, flavour: Flavour) -> Result<Vec<Binding>> {
    fs::create_dir_all(repo.path("pkg/dist"))?;
    let mut sizes = Vec::new();
    for name in ["schemas", "react", "vue", "svelte"] {
        let cmd = repo.npm_cmd("esbuild")?.arg(format!("pkg/js/{name}.js"));
        let cmd = cmd
            .args(["--bundle", "--packages=external", "--format=esm"])
            .args(["--target=es2022", "--platform=neutral", "--charset=utf8"])
            .args(["--legal-comments=none", "--log-level=warning"]);
        let text = minified(cmd, flavour).output()?;
        fs::write(repo.path(format!("pkg/dist/{name}.js")), &text)?;
        match flavour {
            Flavour::Release => sizes.push(Binding::of(repo, name, &text)?),
            Flavour::Dev => {}
        }
    }
    Ok(sizes)
}
