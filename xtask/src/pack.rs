//! `cargo xtask pack`: the tarball that npm gets, looked through before it leaves.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use crate::build::{self, Flavour};
use crate::cli::PackArgs;
use crate::licences;
use crate::setup::{self, Scope};
use crate::tools::{Repo, files};

/// Builds, packs, and prints what came of it as one JSON object.
pub(crate) fn run(repo: &Repo, args: &PackArgs) -> Result<()> {
    if args.release {
        released(repo)?;
    }
    setup::run(repo, Scope::Build)?;
    build::run(repo, Flavour::Release)?;
    println!("{}", tarball(repo)?);
    Ok(())
}

/// Packs what was built into `target/package`, and looks through it.
pub(crate) fn tarball(repo: &Repo) -> Result<Value> {
    let manifest = manifest(repo)?;
    let version = agreed_version(repo, &manifest)?;
    let folder = repo.target()?.join("package");
    if folder.exists() {
        fs::remove_dir_all(&folder).context("the last package cannot be removed")?;
    }
    fs::create_dir_all(&folder)?;
    let told = repo
        .cmd("npm")
        .args(["pack", "--json", "--pack-destination"])
        .arg(&folder)
        .arg(repo.path("pkg"))
        .output()?;
    let told: Value = serde_json::from_str(&told).context("npm pack told no JSON")?;
    let packed = told.get(0).context("npm packed nothing")?;
    let name = packed["filename"].as_str();
    let name = name.context("the tarball has no name")?;
    repo.cmd("tar")
        .arg("-xzf")
        .arg(folder.join(name))
        .arg("-C")
        .arg(&folder)
        .output()?;
    let contents = folder.join("package");
    complete(&contents, &manifest)?;
    for file in files(&contents)? {
        discreet(repo, &file)?;
    }
    Ok(json!({
        "name": "package",
        "version": version,
        "tarball": format!("target/package/{name}"),
        "bytes": packed["size"],
        "unpacked": packed["unpackedSize"],
        "files": packed["entryCount"],
        "integrity": packed["integrity"],
    }))
}

fn manifest(repo: &Repo) -> Result<Value> {
    serde_json::from_str(&repo.read("pkg/package.json")?).context("pkg/package.json is not JSON")
}

/// The version that the crates and the package agree on.
fn agreed_version(repo: &Repo, manifest: &Value) -> Result<String> {
    let package = manifest["version"].as_str().context("no version")?;
    let crates = repo.locked("throughline")?;
    ensure!(
        package == crates,
        "pkg/package.json says {package}, Cargo.lock {crates}"
    );
    Ok(crates)
}

/// Refuses to release what nobody could find again: a dirty tree, or a version the changelog does not know.
fn released(repo: &Repo) -> Result<()> {
    let version = agreed_version(repo, &manifest(repo)?)?;
    let changes = repo.cmd("git").args(["status", "--porcelain"]).output()?;
    ensure!(changes.trim().is_empty(), "there are changes not committed");
    let changelog = repo.read("CHANGELOG.md")?;
    let heading = format!("## {version} ");
    ensure!(
        changelog.lines().any(|line| line.starts_with(&heading)),
        "CHANGELOG.md has no `{heading}— date`"
    );
    let tag = format!("v{version}");
    let tags = repo.cmd("git").args(["tag", "--list", &tag]).output()?;
    ensure!(tags.trim().is_empty(), "there is a tag {tag} already");
    Ok(())
}

/// Each file that the manifest names is there, and the papers.
fn complete(contents: &Path, manifest: &Value) -> Result<()> {
    let mut named = BTreeSet::new();
    targets(&manifest["exports"], &mut named);
    named.extend(["LICENSE-MIT", "LICENSE-APACHE", "PROTOCOL.md", "README.md"]);
    named.insert(licences::FILE);
    for name in named {
        ensure!(contents.join(name).is_file(), "the tarball has no {name}");
    }
    Ok(())
}

fn targets<'a>(exports: &'a Value, found: &mut BTreeSet<&'a str>) {
    match exports {
        Value::String(path) => {
            found.insert(path.trim_start_matches("./"));
        }
        Value::Object(conditions) => {
            for target in conditions.values() {
                targets(target, found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => {}
    }
}

/// No file tells where it was built.
fn discreet(repo: &Repo, file: &Path) -> Result<()> {
    let bytes = fs::read(file)?;
    let cargo_home = repo.cargo_bin().parent().map(Path::to_path_buf);
    for folder in [Some(repo.path("")), cargo_home].into_iter().flatten() {
        let folder = folder.to_string_lossy();
        let folder = folder.trim_end_matches('/').as_bytes();
        if bytes.windows(folder.len()).any(|part| part == folder) {
            bail!("{} names a folder of this machine", file.display());
        }
    }
    Ok(())
}
