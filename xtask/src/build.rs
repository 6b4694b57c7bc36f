//! `cargo xtask build`: cargo → wasm-bindgen → wasm-opt → what the package is published with.

mod bundle;
mod integrity;
mod map;
mod script;
mod wasm;

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use crate::size::Report;
use crate::tools::{Repo, timed};
use crate::{inline, licences, papers};
use map::Mapped;
use wasm::{Module, Part};

/// What a build is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flavour {
    /// Small: what is published.
    Release,
    /// Quick: what is debugged.
    Dev,
}

/// What an application imports to have sessions.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Entry {
    /// `throughline`: text and data.
    Text,
    /// `throughline/wasm`: the same, and the application gives it the wasm.
    TextWasm,
    /// `throughline/no-wasm`: the same, and the wasm is JavaScript.
    NoWasm,
    /// `throughline/voice`: all of it plus WebRTC and audio.
    Voice,
    /// `throughline/voice/wasm`: the same, and the application gives it the wasm.
    VoiceWasm,
}

/// Where an entry has its wasm from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    /// From its own text.
    Inlined,
    /// From the application.
    Given,
    /// It has none: the same code is JavaScript.
    Script,
}

impl Entry {
    /// Every entry, in the order they are built.
    const ALL: [Self; 5] = [
        Self::Text,
        Self::TextWasm,
        Self::NoWasm,
        Self::Voice,
        Self::VoiceWasm,
    ];

    /// The name of its budget.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::TextWasm => "text-wasm",
            Self::NoWasm => "no-wasm",
            Self::Voice => "voice",
            Self::VoiceWasm => "voice-wasm",
        }
    }

    const fn source(self) -> &'static str {
        match self {
            Self::Text => "pkg/js/index.js",
            Self::TextWasm => "pkg/js/wasm/index.js",
            Self::NoWasm => "pkg/js/no-wasm.js",
            Self::Voice => "pkg/js/voice/index.js",
            Self::VoiceWasm => "pkg/js/wasm/voice.js",
        }
    }

    /// Its file in [`DIST`].
    const fn file(self) -> &'static str {
        match self {
            Self::Text => "throughline.js",
            Self::TextWasm => "wasm.js",
            Self::NoWasm => "no-wasm.js",
            Self::Voice => "voice.js",
            Self::VoiceWasm => "voice-wasm.js",
        }
    }

    const fn part(self) -> Part {
        match self {
            Self::Text | Self::TextWasm | Self::NoWasm => Part::Text,
            Self::Voice | Self::VoiceWasm => Part::Voice,
        }
    }

    const fn wasm(self) -> Source {
        match self {
            Self::Text | Self::Voice => Source::Inlined,
            Self::TextWasm | Self::VoiceWasm => Source::Given,
            Self::NoWasm => Source::Script,
        }
    }
}

/// An entry that was built.
pub(crate) struct Built {
    /// Which one it is.
    pub(crate) entry: Entry,
    /// The one file a page loads.
    pub(crate) text: String,
    /// The same with an empty string where the core goes.
    pub(crate) js_alone: String,
    /// Its core, inlined or beside it.
    pub(crate) core: Vec<u8>,
}

/// All that was built.
pub(crate) struct Package {
    pub(crate) entries: Vec<Built>,
    /// What binds the package to schemas and to frameworks: names and texts.
    pub(crate) bindings: Vec<(&'static str, String)>,
}

/// Where what is published goes.
const DIST: &str = "pkg/dist";

const BINDINGS: [&str; 4] = ["schemas", "react", "vue", "svelte"];

/// Stands for the core while esbuild runs, which would otherwise escape more of the wasm than the language asks for. A name and no
/// text, of which a minifier would reckon up what is asked of it, its length for one.
const PLACEHOLDER: &str = "THROUGHLINE_CORE";

/// Builds the package; a release build reports its sizes and is held to its budget.
pub(crate) fn run(repo: &Repo, flavour: Flavour) -> Result<()> {
    match flavour {
        Flavour::Release => release(repo)?.check(),
        Flavour::Dev => package(repo, flavour).map(drop),
    }
}

/// Makes a release build and reports its sizes, whatever the budget says.
pub(crate) fn release(repo: &Repo) -> Result<Report> {
    let report = Report::of(repo, &package(repo, Flavour::Release)?)?;
    report.show();
    Ok(report)
}

fn package(repo: &Repo, flavour: Flavour) -> Result<Package> {
    papers::write(repo)?;
    licences::write(repo)?;
    empty(&repo.path(DIST))?;
    let mut bindings = Vec::new();
    for name in BINDINGS {
        let made = bundle::binding(repo, name, flavour)?;
        publish_mapped(repo, &format!("{name}.js"), &made)?;
        bindings.push((name, made.text));
    }
    let mut entries = Vec::new();
    for part in Part::ALL {
        let (built, seconds) = timed(|| build(repo, part, flavour));
        entries.extend(built?);
        eprintln!("{} in {seconds:.1} s", part.published());
    }
    let digests = integrity::digests(&repo.path(DIST))?;
    publish(repo, "integrity.json", digests.as_bytes())?;
    Ok(Package { entries, bindings })
}

fn empty(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("{} cannot be emptied", folder.display()))
        }
        Ok(()) | Err(_) => Ok(fs::create_dir_all(folder)?),
    }
}

fn publish(repo: &Repo, file: &str, bytes: &[u8]) -> Result<()> {
    fs::write(repo.path(DIST).join(file), bytes)
        .with_context(|| format!("{file} cannot be written"))
}

/// Publishes a script, and beside it the map of where it was written.
fn publish_mapped(repo: &Repo, file: &str, made: &Mapped) -> Result<()> {
    publish(repo, &format!("{file}.map"), made.map(file)?.as_bytes())?;
    publish(repo, file, made.published(file).as_bytes())
}

/// Builds a module and the entries that run it.
fn build(repo: &Repo, part: Part, flavour: Flavour) -> Result<Vec<Built>> {
    let module = Module::build(repo, part, flavour)?;
    let identity = serde_json::to_string(&module.identity)?;
    generate(
        repo,
        part,
        "identity.js",
        &format!("export default {identity};"),
    )?;
    if part == Part::Voice {
        let made = bundle::worklet(repo, flavour)?;
        publish_mapped(repo, "audio-worklet.js", &made)?;
        // The same as text for the bundle, which makes a blob of it.
        let literal = serde_json::to_string(&made.text)?;
        generate(
            repo,
            part,
            "worklet.js",
            &format!("export default {literal};"),
        )?;
    }
    publish(repo, part.published(), &module.published())?;
    let entries = Entry::ALL.into_iter().filter(|entry| entry.part() == part);
    entries
        .map(|which| entry(repo, which, flavour, &module))
        .collect()
}

/// A core that an entry's text holds: the module that exports it, and what it is there.
struct Core {
    file: &'static str,
    about: String,
    expression: String,
}

impl Core {
    fn inlined(module: &Module) -> Self {
        let mask = inline::mask_of(&module.bytes);
        Self {
            file: "bytes.js",
            about: format!("// One character a byte, masked.\nexport const mask = {mask};\n"),
            expression: inline::template_literal(&module.bytes, mask),
        }
    }

    fn script(repo: &Repo, module: &Module, flavour: Flavour) -> Result<Self> {
        Ok(Self {
            file: "script.js",
            about: "// @ts-nocheck\n".to_owned(),
            expression: format!("({})", script::script(repo, module, flavour)?),
        })
    }

    fn generate(&self, repo: &Repo, part: Part, expression: &str) -> Result<()> {
        let text = format!("{}export default {expression};", self.about);
        generate(repo, part, self.file, &text)
    }
}

fn entry(repo: &Repo, entry: Entry, flavour: Flavour, module: &Module) -> Result<Built> {
    repo.existing(entry.source())?;
    let bundled = || bundle::bundle(repo, entry, flavour, &module.names);
    let (made, alone, core) = match entry.wasm() {
        Source::Given => {
            let made = bundled()?;
            let alone = made.text.clone();
            (made, alone, module.published())
        }
        Source::Inlined => {
            let core = Core::inlined(module);
            let (made, alone) = holding(repo, entry, &core, bundled)?;
            verify_round_trip(repo, entry.part(), &module.path)?;
            (made, alone, module.bytes.clone())
        }
        Source::Script => {
            let core = Core::script(repo, module, flavour)?;
            let (made, alone) = holding(repo, entry, &core, bundled)?;
            (made, alone, core.expression.into_bytes())
        }
    };
    let unused = alone
        .find("import.meta")
        .or_else(|| alone.find("_bg.wasm\", "));
    ensure!(
        unused.is_none(),
        "{} looks for a .wasm file of its own: is \"sideEffects\": false in pkg/package.json?",
        entry.file()
    );
    publish_mapped(repo, entry.file(), &made)?;
    Ok(Built {
        entry,
        text: made.text,
        js_alone: alone,
        core,
    })
}

/// Bundles an entry that holds its core; returns it without that, too.
fn holding(
    repo: &Repo,
    entry: Entry,
    core: &Core,
    bundled: impl FnOnce() -> Result<Mapped>,
) -> Result<(Mapped, String)> {
    core.generate(repo, entry.part(), PLACEHOLDER)?;
    let made = bundled();
    // Written whatever became of the bundle, so that a placeholder never stays behind.
    core.generate(repo, entry.part(), &core.expression)?;
    let made = made?;
    let whole = made.with(PLACEHOLDER, &core.expression);
    let whole = whole.with_context(|| format!("does {} import {}?", entry.source(), core.file))?;
    Ok((whole, made.text.replace(PLACEHOLDER, "\"\"")))
}

/// Writes a module that the package's own modules import.
fn generate(repo: &Repo, part: Part, file: &str, text: &str) -> Result<()> {
    let text = format!("// Generated by `cargo xtask build`.\n{text}\n");
    fs::write(repo.path(part.out()).join(file), text)
        .with_context(|| format!("{file} cannot be written"))
}

/// Has Node read the text back and compare it with the wasm, byte by byte.
fn verify_round_trip(repo: &Repo, part: Part, wasm: &Path) -> Result<()> {
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
        .arg(repo.path(part.out()).join("bytes.js"))
        .output()
        .map(drop)
        .context("the inlined text does not give back the wasm")
}
