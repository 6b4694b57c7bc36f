//! How many bytes a page downloads, and how many it may.

use std::io::Write;

use anyhow::{Context, Result, ensure};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use crate::build::{Built, Package};
use crate::tools::Repo;

const BUDGET: &str = "tests/size/budget.json";
/// What HTTP servers use; a larger window changes nothing below 4 MB.
const BROTLI_WINDOW: i32 = 22;

/// The sizes of all that was built.
pub(crate) struct Report {
    bindings: Vec<Binding>,
    entries: Vec<Sizes>,
}

impl Report {
    /// Compresses what was built and looks up its budgets.
    pub(crate) fn of(repo: &Repo, package: &Package) -> Result<Self> {
        let bindings = package.bindings.iter();
        let entries = package.entries.iter();
        Ok(Self {
            bindings: bindings
                .map(|(name, text)| Binding::of(repo, name, text))
                .collect::<Result<_>>()?,
            entries: entries
                .map(|built| Sizes::of(repo, built))
                .collect::<Result<_>>()?,
        })
    }

    /// Prints tables on stderr.
    pub(crate) fn show(&self) {
        self.bindings.iter().for_each(Binding::show);
        self.entries.iter().for_each(Sizes::show);
    }

    /// Says the same as JSON lines.
    pub(crate) fn json_lines(&self) -> Vec<String> {
        let bindings = self.bindings.iter().map(Binding::json_line);
        bindings
            .chain(self.entries.iter().map(Sizes::json_line))
            .collect()
    }

    /// Fails when something is larger than its budget.
    pub(crate) fn check(&self) -> Result<()> {
        self.bindings.iter().try_for_each(Binding::check)?;
        self.entries.iter().try_for_each(Sizes::check)
    }
}

/// The sizes of one entry, in bytes.
struct Sizes {
    entry: &'static str,
    raw: usize,
    gzip: usize,
    brotli: usize,
    core_raw: usize,
    core_brotli: usize,
    js_raw: usize,
    js_brotli: usize,
    limit: u64,
    aim: u64,
}

impl Sizes {
    fn of(repo: &Repo, built: &Built) -> Result<Self> {
        let entry = built.entry.name();
        let text = built.text.as_bytes();
        Ok(Self {
            entry,
            raw: text.len(),
            gzip: gzip(text)?,
            brotli: brotli(text)?,
            core_raw: built.core.len(),
            core_brotli: brotli(&built.core)?,
            js_raw: built.js_alone.len(),
            js_brotli: brotli(built.js_alone.as_bytes())?,
            limit: budget(repo, entry, "brotli")?,
            aim: budget(repo, entry, "aim")?,
        })
    }

    fn show(&self) {
        let row = |what: &str, raw: usize, gzip: Option<usize>, brotli: usize| {
            let gzip = gzip.map_or_else(|| "-".into(), |bytes| bytes.to_string());
            eprintln!("  {what:<24} {raw:>8} {gzip:>8} {brotli:>8}");
        };
        eprintln!(
            "  {:<24} {:>8} {:>8} {:>8}",
            "bytes", "raw", "gzip 9", "brotli 11"
        );
        row("one file", self.raw, Some(self.gzip), self.brotli);
        row("its core alone", self.core_raw, None, self.core_brotli);
        row("the rest alone", self.js_raw, None, self.js_brotli);
        let spare = i128::from(self.aim) - self.brotli as i128;
        eprintln!(
            "  {}: {} of {} bytes; {spare:+} to the aim of {}",
            self.entry, self.brotli, self.limit, self.aim
        );
    }

    fn check(&self) -> Result<()> {
        ensure!(
            self.ok(),
            "{} is {} bytes of brotli, over its budget of {} in {BUDGET}",
            self.entry,
            self.brotli,
            self.limit
        );
        Ok(())
    }

    fn json_line(&self) -> String {
        json!({
            "name": self.entry, "value": self.brotli, "unit": "bytes", "limit": self.limit, "aim": self.aim,
            "raw": self.raw, "gzip": self.gzip, "wasm": self.core_brotli, "js": self.js_brotli, "ok": self.ok(),
        })
        .to_string()
    }

    fn ok(&self) -> bool {
        self.brotli as u64 <= self.limit
    }
}

/// The size of what binds the package to one framework, in bytes of brotli.
struct Binding {
    name: &'static str,
    brotli: usize,
    limit: u64,
}

impl Binding {
    fn of(repo: &Repo, name: &'static str, text: &str) -> Result<Self> {
        Ok(Self {
            name,
            brotli: brotli(text.as_bytes())?,
            limit: budget(repo, name, "brotli")?,
        })
    }

    fn show(&self) {
        eprintln!("  {}: {} of {} bytes", self.name, self.brotli, self.limit);
    }

    fn check(&self) -> Result<()> {
        let Self {
            name,
            brotli,
            limit,
        } = self;
        ensure!(
            self.ok(),
            "{name} is {brotli} bytes of brotli, over its budget of {limit} in {BUDGET}"
        );
        Ok(())
    }

    fn json_line(&self) -> String {
        json!({ "name": self.name, "value": self.brotli, "unit": "bytes", "limit": self.limit, "ok": self.ok() }).to_string()
    }

    fn ok(&self) -> bool {
        self.brotli as u64 <= self.limit
    }
}

fn budget(repo: &Repo, entry: &str, kind: &str) -> Result<u64> {
    let budget: Value = serde_json::from_str(&repo.read(BUDGET)?)
        .with_context(|| format!("{BUDGET} is not JSON"))?;
    budget[entry][kind]
        .as_u64()
        .with_context(|| format!("{BUDGET} has no {entry}.{kind}"))
}

fn gzip(bytes: &[u8]) -> Result<usize> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?.len())
}

fn brotli(bytes: &[u8]) -> Result<usize> {
    let params = brotli::enc::BrotliEncoderParams {
        quality: 11,
        lgwin: BROTLI_WINDOW,
        size_hint: bytes.len(),
        ..Default::default()
    };
    let mut out = Vec::new();
    brotli::BrotliCompress(&mut &bytes[..], &mut out, &params)?;
    Ok(out.len())
}
