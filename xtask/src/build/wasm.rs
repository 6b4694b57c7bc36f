//! The two WebAssembly modules: cargo → wasm-bindgen → wasm-opt.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use sha2::{Digest, Sha256};

use super::Flavour;
use crate::tools::{Cmd, Repo};

/// Where a published module says which one it is: `SECTION` in `pkg/js/wasm/given.js`.
const SECTION: &str = "throughline";

/// The kind of section that engines leave to whom it concerns.
const CUSTOM: u8 = 0;

/// What a module is built with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// Text and data.
    Text,
    /// All of it plus WebRTC and audio.
    Voice,
}

impl Part {
    /// Every part, in the order they are built.
    pub(super) const ALL: [Self; 2] = [Self::Text, Self::Voice];

    const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Voice => "voice",
        }
    }

    /// The entry of the package that has this part inlined.
    const fn entry(self) -> &'static str {
        match self {
            Self::Text => "throughline",
            Self::Voice => "throughline/voice",
        }
    }

    /// What is published for those who give it to the entry themselves.
    pub(super) const fn published(self) -> &'static str {
        match self {
            Self::Text => "throughline.wasm",
            Self::Voice => "voice.wasm",
        }
    }

    const fn features(self) -> &'static [&'static str] {
        match self {
            Self::Text => &[],
            Self::Voice => &["--features", "voice"],
        }
    }

    /// Where what is generated of it goes.
    pub(super) fn out(self) -> String {
        format!("pkg/wasm/{}", self.name())
    }
}

/// Short names by the long ones that they stand for.
pub(super) type Names = BTreeMap<String, String>;

/// A module that was built.
pub(super) struct Module {
    /// Where it is.
    pub(super) path: PathBuf,
    /// Where it is as the compiler left it.
    pub(super) raw: PathBuf,
    /// What it holds.
    pub(super) bytes: Vec<u8>,
    /// Its exports' short names.
    pub(super) names: Names,
    /// Which one it is: its entry, version and digest.
    pub(super) identity: String,
}

impl Module {
    /// Builds a part: the text's is called by its own exports, voice's by wasm-bindgen's glue.
    pub(super) fn build(repo: &Repo, part: Part, flavour: Flavour) -> Result<Self> {
        let raw = compile(repo, part, flavour)?;
        let path = repo.path(part.out()).join("throughline_bg.wasm");
        let names = match flavour {
            Flavour::Release => optimize(repo, part, &raw, &path)?,
            Flavour::Dev => {
                fs::copy(&raw, &path)?;
                Names::default()
            }
        };
        let bytes = fs::read(&path).context("there is no wasm")?;
        let identity = identity(repo, part, &bytes)?;
        Ok(Self {
            path,
            raw,
            bytes,
            names,
            identity,
        })
    }

    /// What is published: the module, which then says which one it is.
    pub(super) fn published(&self) -> Vec<u8> {
        let mut section = leb128(SECTION.len());
        section.extend(SECTION.bytes());
        section.extend(self.identity.bytes());
        let mut bytes = self.bytes.clone();
        bytes.push(CUSTOM);
        bytes.extend(leb128(section.len()));
        bytes.extend(section);
        bytes
    }
}

fn compile(repo: &Repo, part: Part, flavour: Flavour) -> Result<PathBuf> {
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
        .args(part.features())
        .args(["--target", "wasm32-unknown-unknown", "--profile", profile])
        // Each session has a memory of its own, of which the stack would be a megabyte.
        .args(["--", "-Clink-arg=-zstack-size=65536"])
        // What makes code faster by saying it twice; together 1 % of the text entry.
        .arg("-Cllvm-args=-inline-threshold=0 -enable-pre=false -disable-lsr -max-store-memcpy=1 -max-store-memmove=1")
        .run_aside()?;
    let raw = repo
        .target()?
        .join("wasm32-unknown-unknown")
        .join(folder)
        .join("throughline.wasm");
    let folder = repo.path(part.out());
    let kept = folder.join("raw.wasm");
    fs::create_dir_all(&folder)?;
    match part {
        Part::Text => {
            fs::copy(raw, &kept).context("cargo wrote no wasm")?;
        }
        Part::Voice => {
            bindgen(repo, part, &raw)?;
            fs::rename(folder.join("throughline_bg.wasm"), &kept)?;
            wrap_glue(repo, part)?;
        }
    }
    Ok(kept)
}

fn bindgen(repo: &Repo, part: Part, raw: &Path) -> Result<()> {
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
        .args(["--out-dir", &part.out()])
        .arg(raw)
        .run_aside()
}

/// Makes the glue a function, so that each session has an instance, and a trap in one leaves the others alone.
fn wrap_glue(repo: &Repo, part: Part) -> Result<()> {
    let path = repo.path(part.out()).join("throughline.js");
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

/// Shrinks a module and returns its exports' short names; which features it may use, wasm-opt reads from rustc's own section.
fn optimize(repo: &Repo, part: Part, from: &Path, to: &Path) -> Result<Names> {
    let cmd = shrinking(repo.npm_cmd("wasm-opt")?)
        // Engines need no hints of how memory is aligned.
        .arg("--dealign")
        .arg(from)
        .arg("-o")
        .arg(to);
    match part {
        Part::Text => renaming(cmd),
        Part::Voice => cmd.output().map(|_| Names::default()),
    }
}

/// Has wasm-opt shrink. To take the code apart before, twice, is worth 2 %.
pub(super) fn shrinking(wasm_opt: Cmd) -> Cmd {
    wasm_opt
        // The first kilobyte is the far end of the stack.
        .arg("--low-memory-unused")
        .args(["--flatten", "--rereloop", "-Oz"].repeat(2))
        .args(["-Oz", "--strip-debug", "--strip-producers"])
        .arg("--strip-target-features")
}

/// Has wasm-opt give exports short names, and returns them.
pub(super) fn renaming(wasm_opt: Cmd) -> Result<Names> {
    let told = wasm_opt
        .args(["--remove-exports=__*", "--minify-imports-and-exports"])
        .output()?;
    let mut told: serde_json::Value = serde_json::from_str(&told)?;
    let exports: Vec<(String, String)> =
        serde_json::from_value(told["exports"].take()).context("wasm-opt told no names")?;
    Ok(exports.into_iter().collect())
}

/// Which module this is, for who has it in hand: JavaScript calls no other by the right names.
fn identity(repo: &Repo, part: Part, bytes: &[u8]) -> Result<String> {
    let manifest: serde_json::Value = serde_json::from_str(&repo.read("pkg/package.json")?)?;
    let version = manifest["version"]
        .as_str()
        .context("pkg/package.json names no version")?;
    let digest: String = Sha256::digest(bytes)
        .iter()
        .take(4)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    Ok(format!("{} {version} {digest}", part.entry()))
}

/// Writes a length as WebAssembly has it: seven bits a byte, lowest first, and one that says whether more follow.
fn leb128(mut length: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while length >= 0x80 {
        bytes.push((length & 0x7f) as u8 | 0x80);
        length >>= 7;
    }
    bytes.push(length as u8);
    bytes
}
