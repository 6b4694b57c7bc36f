//! `cargo xtask setup`: a table of steps, each of them skipped when there is nothing to do.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::tools::{Repo, timed};

/// What to set up for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Building the package and serving the demo.
    Build,
    /// That, and testing in browsers.
    Browsers,
}

/// The programs and the module that the tests need, and the Debian package of each.
const APT: [(&str, &str); 11] = [
    ("chromium", "chromium"),
    ("chromedriver", "chromium-driver"),
    ("firefox-esr", "firefox-esr"),
    ("WebKitWebDriver", "webkit2gtk-driver"),
    ("Xvfb", "xvfb"),
    ("pulseaudio", "pulseaudio"),
    ("turnserver", "coturn"),
    ("xauth", "xauth"),
    ("redis-server", "redis-server"),
    ("/usr/sbin/nginx", "nginx"),
    (
        "/usr/lib/nginx/modules/ngx_nchan_module.so",
        "libnginx-mod-nchan",
    ),
];
const NODE_MAJOR: u32 = 20;
const WASM_PACK: &str = "0.15.1";
const CARGO_DENY: &str = "0.20.2";
const GECKODRIVER: &str = "0.37.1";

/// Runs every step of `scope`, stopping at the first that cannot be done.
pub(crate) fn run(repo: &Repo, scope: Scope) -> Result<()> {
    let browsers: &[Step] = match scope {
        Scope::Build => &[],
        Scope::Browsers => &[
            Step::Browsers,
            Step::Geckodriver,
            Step::WasmPack,
            Step::CargoDeny,
        ],
    };
    for step in Step::BUILD.iter().chain(browsers) {
        step.perform(repo)?;
    }
    Ok(())
}

/// Installs what a folder's own lock file names, unless it is there.
pub(crate) fn packages(repo: &Repo, folder: &str) -> Result<()> {
    match npm(repo, folder)? {
        State::Ready(_) => Ok(()),
        State::Missing { .. } => repo
            .cmd("npm")
            .args(["ci", "--prefix", folder])
            .args(["--ignore-scripts", "--no-audit", "--no-fund"])
            .run_aside(),
    }
}

#[derive(Clone, Copy)]
enum Step {
    Node,
    WasmTarget,
    WasmBindgen,
    Npm,
    Browsers,
    Geckodriver,
    WasmPack,
    CargoDeny,
}

enum State {
    Ready(String),
    /// What has to be installed, and the commands that do it by hand.
    Missing {
        what: String,
        by_hand: String,
    },
}

impl Step {
    const BUILD: [Self; 4] = [Self::Node, Self::WasmTarget, Self::WasmBindgen, Self::Npm];

    fn perform(self, repo: &Repo) -> Result<()> {
        let name = self.name();
        let (what, by_hand) = match self.state(repo)? {
            State::Ready(found) => {
                eprintln!("✓ {name} already there ({found})");
                return Ok(());
            }
            State::Missing { what, by_hand } => (what, by_hand),
        };
        eprintln!("… {name}: needs {what}");
        let (done, seconds) = timed(|| self.install(repo));
        done.with_context(|| format!("{name} could not be installed (by hand: `{by_hand}`)"))?;
        match self.state(repo)? {
            State::Ready(found) => eprintln!("✓ {name} installed in {seconds:.0} s ({found})"),
            State::Missing { what, .. } => bail!(
                "{name} was installed but {what} is not found on the PATH or in {} (by hand: `{by_hand}`)",
                repo.cargo_bin().display()
            ),
        }
        Ok(())
    }

    fn name(self) -> &'static str {
        match self {
            Self::Node => "node",
            Self::WasmTarget => "wasm32 target",
            Self::WasmBindgen => "wasm-bindgen",
            Self::Npm => "npm packages",
            Self::Browsers => "browsers",
            Self::Geckodriver => "geckodriver",
            Self::WasmPack => "wasm-pack",
            Self::CargoDeny => "cargo-deny",
        }
    }

    fn state(self, repo: &Repo) -> Result<State> {
        Ok(match self {
            Self::Node => node(repo),
            Self::WasmTarget => {
                let libs = repo
                    .cmd("rustc")
                    .args(["--print", "target-libdir", "--target", WASM_TARGET])
                    .output()?;
                if Path::new(libs.trim()).is_dir() {
                    State::Ready(WASM_TARGET.into())
                } else {
                    State::missing(WASM_TARGET, format!("rustup target add {WASM_TARGET}"))
                }
            }
            Self::WasmBindgen => {
                let version = repo.locked("wasm-bindgen")?;
                match repo.find_version("wasm-bindgen", &version) {
                    Some(path) => State::Ready(format!("{version}, {}", path.display())),
                    None => State::missing(
                        format!("wasm-bindgen-cli {version}"),
                        format!("cargo install wasm-bindgen-cli --version {version}"),
                    ),
                }
            }
            Self::Npm => npm(repo, "")?,
            Self::Browsers => {
                let missing = missing_packages(repo);
                if missing.is_empty() {
                    State::Ready("Chromium, Firefox, WebKitGTK, their drivers, Xvfb".into())
                } else {
                    let packages = missing.join(" ");
                    let by_hand = format!(
                        "sudo apt-get update && sudo apt-get install -y --no-install-recommends {packages}"
                    );
                    State::missing(packages, by_hand)
                }
            }
            Self::Geckodriver => crate_tool(repo, "geckodriver", GECKODRIVER),
            Self::WasmPack => crate_tool(repo, "wasm-pack", WASM_PACK),
            Self::CargoDeny => crate_tool(repo, "cargo-deny", CARGO_DENY),
        })
    }

    fn install(self, repo: &Repo) -> Result<()> {
        match self {
            Self::Node => bail!("this program does not install Node"),
            Self::WasmTarget => repo
                .cmd("rustup")
                .args(["target", "add", WASM_TARGET])
                .run_aside(),
            Self::WasmBindgen => {
                cargo_install(repo, "wasm-bindgen-cli", &repo.locked("wasm-bindgen")?)
            }
            Self::Npm => {
                let verb = if repo.path("package-lock.json").exists() {
                    "ci"
                } else {
                    "install"
                };
                repo.cmd("npm")
                    .args([verb, "--ignore-scripts", "--no-audit", "--no-fund"])
                    .run_aside()
            }
            Self::Browsers => apt(repo),
            Self::Geckodriver => cargo_install(repo, "geckodriver", GECKODRIVER),
            Self::WasmPack => cargo_install(repo, "wasm-pack", WASM_PACK),
            Self::CargoDeny => cargo_install(repo, "cargo-deny", CARGO_DENY),
        }
    }
}

impl State {
    fn missing(what: impl Into<String>, by_hand: impl Into<String>) -> Self {
        Self::Missing {
            what: what.into(),
            by_hand: by_hand.into(),
        }
    }
}

const WASM_TARGET: &str = "wasm32-unknown-unknown";

fn node(repo: &Repo) -> State {
    let by_hand =
        format!("install Node {NODE_MAJOR} or newer from your system's packages or nodejs.org");
    let Some(version) = repo.find("node").and_then(|node| repo.version_of(&node)) else {
        return State::missing(format!("Node {NODE_MAJOR} or newer (none found)"), by_hand);
    };
    let major = version.trim_start_matches('v').split('.').next();
    match major.and_then(|major| major.parse::<u32>().ok()) {
        Some(major) if major >= NODE_MAJOR => State::Ready(version),
        Some(_) | None => State::missing(
            format!("Node {NODE_MAJOR} or newer (found {version})"),
            by_hand,
        ),
    }
}

/// Compares what npm last installed with the lock file, leaving out optional packages: most of them are other platforms' binaries.
fn npm(repo: &Repo, folder: &str) -> Result<State> {
    let folder = Path::new(folder);
    let missing = State::missing(
        "the development tools of package.json",
        "npm ci --ignore-scripts",
    );
    let Ok(installed) = repo.read(folder.join("node_modules/.package-lock.json")) else {
        return Ok(missing);
    };
    let Ok(wanted) = repo.read(folder.join("package-lock.json")) else {
        return Ok(missing);
    };
    let wanted: Value = serde_json::from_str(&wanted).context("package-lock.json is not JSON")?;
    let installed: Value = serde_json::from_str(&installed).unwrap_or_default();
    let (Some(wanted), Some(installed)) = (
        wanted["packages"].as_object(),
        installed["packages"].as_object(),
    ) else {
        return Ok(missing);
    };
    let same = |name: &String| {
        let installed = installed.get(name).map(|package| &package["version"]);
        installed == wanted.get(name).map(|package| &package["version"])
    };
    let required = wanted
        .iter()
        .filter(|(name, package)| !name.is_empty() && package["optional"] != true)
        .map(|(name, _)| name);
    if required.chain(installed.keys()).all(same) {
        Ok(State::Ready(format!("{} in node_modules", installed.len())))
    } else {
        Ok(missing)
    }
}

/// Finds a program at least as new as the version that is installed where there is none.
fn crate_tool(repo: &Repo, name: &str, version: &str) -> State {
    let found = repo
        .find(name)
        .and_then(|path| Some((repo.version_of(&path)?, path)))
        .filter(|(answer, _)| numbers(answer) >= numbers(version));
    match found {
        Some((answer, path)) => State::Ready(format!("{answer}, {}", path.display())),
        None => State::missing(
            format!("{name} {version}"),
            format!("cargo install {name} --version {version}"),
        ),
    }
}

/// The numbers of the first version in a line.
fn numbers(line: &str) -> Option<Vec<u32>> {
    line.split_whitespace().find_map(|word| {
        let numbers = word.split('.').map(|part| part.parse().ok());
        numbers.collect::<Option<Vec<u32>>>()
    })
}

/// Installs with the crate's own lock file; without it where that names versions the registry does not have.
fn cargo_install(repo: &Repo, package: &str, version: &str) -> Result<()> {
    let install = || {
        repo.cmd("cargo")
            .args(["install", package, "--version", version])
    };
    let Err(error) = install().arg("--locked").run_aside() else {
        return Ok(());
    };
    eprintln!("… {error:#}; once more without --locked");
    install().run_aside()
}

fn missing_packages(repo: &Repo) -> Vec<&'static str> {
    let missing = APT
        .iter()
        .filter(|(program, _)| repo.find(program).is_none());
    missing.map(|(_, package)| *package).collect()
}

fn apt(repo: &Repo) -> Result<()> {
    ensure!(
        repo.find("apt-get").is_some(),
        "this system has no apt-get; install Chromium, Firefox, WebKitGTK and their WebDrivers its own way"
    );
    let root = repo.cmd("id").arg("-u").output()?.trim() == "0";
    ensure!(
        root || repo.cmd("sudo").args(["-n", "true"]).output().is_ok(),
        "neither root nor sudo without a password"
    );
    let apt_get = |args: &[&str]| {
        let cmd = if root {
            repo.cmd("apt-get")
        } else {
            repo.cmd("sudo").args(["-n", "apt-get"])
        };
        cmd.args(args)
            .env("DEBIAN_FRONTEND", "noninteractive")
            .run_aside()
    };
    apt_get(&["update", "-qq"])?;
    let mut install = vec!["install", "-y", "-qq", "--no-install-recommends"];
    install.extend(missing_packages(repo));
    apt_get(&install)
}

#[cfg(test)]
mod tests {
    use super::numbers;

    #[test]
    fn an_older_program_is_less_than_what_is_wanted() {
        assert!(numbers("geckodriver 0.37.1 ( 2026-01-01)") >= numbers("0.37.1"));
        assert!(numbers("cargo-deny 0.9.10") < numbers("0.20.2"));
        assert!(numbers("what is this") < numbers("0.20.2"));
    }
}
