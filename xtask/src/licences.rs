//! What is linked into the package's WebAssembly, and the terms it comes under.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::tools::{Repo, files};

/// The file of the package that holds the terms.
pub(crate) const FILE: &str = "THIRD-PARTY-LICENSES.txt";

/// Rust's own libraries, which no lock file names.
const RUST: &str = "\
the Rust standard library (core, alloc; in throughline/voice also std and its dlmalloc)
MIT OR Apache-2.0, https://github.com/rust-lang/rust
Copyright (c) The Rust Project Contributors, under the terms of the MIT License:
";

/// Writes the terms into the package.
pub(crate) fn write(repo: &Repo) -> Result<()> {
    fs::write(repo.path("pkg").join(FILE), text(repo)?).context("the licences cannot be written")
}

fn text(repo: &Repo) -> Result<String> {
    let mut text = String::from("The WebAssembly in this package links the libraries below.\n");
    for linked in linked(repo)? {
        write!(
            text,
            "\n{}\n{} {}\n{}, {}\n",
            "-".repeat(80),
            linked.name,
            linked.version,
            linked.license,
            linked.repository
        )?;
        for paper in papers(&linked.folder)? {
            let paper = fs::read_to_string(&paper)
                .with_context(|| format!("cannot read {}", paper.display()))?;
            write!(text, "\n{}\n", paper.trim())?;
        }
    }
    let ours = repo.read("LICENSE-MIT")?;
    let (_, terms) = ours
        .split_once("Permission is")
        .context("LICENSE-MIT has no terms")?;
    write!(text, "\n{}\n{RUST}\nPermission is{terms}", "-".repeat(80))?;
    Ok(text)
}

struct Linked {
    name: String,
    version: String,
    license: String,
    repository: String,
    folder: PathBuf,
}

/// The crates of others that the largest entry is built of; the others' are among them.
fn linked(repo: &Repo) -> Result<Vec<Linked>> {
    let wasm = ["--target", "wasm32-unknown-unknown"];
    let tree = repo
        .cmd("cargo")
        .args(["tree", "-p", "throughline", "--prefix", "none"])
        .args(["--edges", "normal,no-proc-macro", "--format", "{p}"])
        .args(["--no-default-features", "--features", "voice"])
        .args(wasm)
        .output()?;
    // `name v1.2.3`, and for our own crates a path.
    let named: BTreeSet<(&str, &str)> = tree
        .lines()
        .filter(|line| !line.contains('/'))
        .filter_map(|line| line.split_once(" v"))
        .collect();
    let metadata = repo
        .cmd("cargo")
        .args(["metadata", "--format-version", "1", "--all-features"])
        .output()?;
    let metadata: Value = serde_json::from_str(&metadata)?;
    let packages = metadata["packages"]
        .as_array()
        .context("cargo metadata names no packages")?;
    let found: Vec<Linked> = packages
        .iter()
        .filter_map(Linked::of)
        .filter(|package| named.contains(&(package.name.as_str(), package.version.as_str())))
        .collect();
    ensure!(
        !named.is_empty() && found.len() == named.len(),
        "of {} linked crates cargo describes {}",
        named.len(),
        found.len()
    );
    Ok(found)
}

impl Linked {
    fn of(package: &Value) -> Option<Self> {
        let text = |key: &str| Some(package[key].as_str()?.to_owned());
        Some(Self {
            name: text("name")?,
            version: text("version")?,
            license: text("license")?,
            repository: text("repository").unwrap_or_default(),
            folder: Path::new(package["manifest_path"].as_str()?)
                .parent()?
                .to_path_buf(),
        })
    }
}

/// The texts of a crate's licences; of a choice with MIT in it, we take MIT.
fn papers(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut papers = files(folder)?;
    papers.retain(|path| path.parent() == Some(folder) && name_of(path).starts_with("LICENSE"));
    if papers.iter().any(|path| name_of(path) == "LICENSE-MIT") {
        papers.retain(|path| name_of(path) != "LICENSE-APACHE");
    }
    ensure!(!papers.is_empty(), "{} holds no licence", folder.display());
    Ok(papers)
}

fn name_of(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}
