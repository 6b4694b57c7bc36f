//! Where things are, and how programs are started.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};

/// The repository and the search path its programs are started with.
pub(crate) struct Repo {
    root: PathBuf,
    cargo_bin: PathBuf,
    search: OsString,
}

impl Repo {
    /// Finds the repository this program belongs to.
    pub(crate) fn open() -> Result<Self> {
        let manifest =
            env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
        let root = Path::new(&manifest)
            .parent()
            .context("the xtask crate has no parent folder")?
            .to_path_buf();
        let cargo_home = env::var_os("CARGO_HOME")
            .map(PathBuf::from)
            .or_else(|| env::home_dir().map(|home| home.join(".cargo")))
            .context("neither CARGO_HOME nor a home folder is known")?;
        let cargo_bin = cargo_home.join("bin");
        // Tools built from crates come first: npm packages of the same names are download stubs.
        let inherited = env::var_os("PATH").unwrap_or_default();
        let search = env::join_paths(
            [cargo_bin.clone()]
                .into_iter()
                .chain(env::split_paths(&inherited))
                .chain([root.join("node_modules/.bin")]),
        )?;
        Ok(Self {
            root,
            cargo_bin,
            search,
        })
    }

    /// Makes a path from one relative to the repository's root.
    pub(crate) fn path(&self, relative: impl AsRef<Path>) -> PathBuf {
        self.root.join(relative)
    }

    /// Makes a path from one relative to the root and refuses one that does not exist.
    pub(crate) fn existing(&self, relative: &str) -> Result<PathBuf> {
        let path = self.path(relative);
        ensure!(path.exists(), "{relative} is missing");
        Ok(path)
    }

    /// Reads a text file by its path relative to the root.
    pub(crate) fn read(&self, relative: impl AsRef<Path>) -> Result<String> {
        let relative = relative.as_ref();
        fs::read_to_string(self.path(relative))
            .with_context(|| format!("cannot read {}", relative.display()))
    }

    /// Asks cargo for the folder it builds into.
    pub(crate) fn target(&self) -> Result<PathBuf> {
        let json = self
            .cmd("cargo")
            .args(["metadata", "--no-deps", "--format-version", "1"])
            .output()?;
        let metadata: serde_json::Value = serde_json::from_str(&json)?;
        let folder = metadata["target_directory"].as_str();
        Ok(folder
            .context("cargo metadata names no target folder")?
            .into())
    }

    /// Starts describing a run of `program` in the root, with the repository's search path.
    pub(crate) fn cmd(&self, program: impl AsRef<OsStr>) -> Cmd {
        let program = program.as_ref();
        // Found by our search path here, since spawning looks along the parent's own.
        let found = self.find(&program.to_string_lossy());
        let mut inner = Command::new(found.as_deref().map_or(program, Path::as_os_str));
        inner.current_dir(&self.root).env("PATH", &self.search);
        // What `cargo run` set about this crate would make a nested cargo rebuild some dependencies.
        for (key, _) in env::vars_os() {
            let name = key.to_string_lossy();
            if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
                inner.env_remove(&key);
            }
        }
        let shown = Path::new(program)
            .file_name()
            .unwrap_or(program)
            .to_string_lossy()
            .into_owned();
        Cmd { inner, shown }
    }

    /// Starts describing a run of a program from the installed npm packages.
    pub(crate) fn npm_cmd(&self, program: &str) -> Result<Cmd> {
        let path = self.path("node_modules/.bin").join(program);
        ensure!(
            path.exists(),
            "{program} is not in node_modules: run `cargo xtask setup`"
        );
        Ok(self.cmd(path))
    }

    /// Finds every program of this name, in search order.
    pub(crate) fn find_all(&self, program: &str) -> impl Iterator<Item = PathBuf> {
        env::split_paths(&self.search)
            .map(move |folder| folder.join(program))
            .filter(|path| path.is_file())
    }

    /// Finds the first program of this name.
    pub(crate) fn find(&self, program: &str) -> Option<PathBuf> {
        self.find_all(program).next()
    }

    /// Finds the first program of this name, or says how to get one.
    pub(crate) fn need(&self, program: &str) -> Result<PathBuf> {
        self.find(program).with_context(|| {
            format!("{program} is not installed: run `cargo xtask setup --browsers`")
        })
    }

    /// Says what `program --version` answers, if it starts at all.
    pub(crate) fn version_of(&self, program: &Path) -> Option<String> {
        let answer = self.cmd(program).arg("--version").output().ok()?;
        Some(answer.lines().next()?.trim().to_owned())
    }

    /// Finds a program whose `--version` names exactly `version`.
    pub(crate) fn find_version(&self, program: &str, version: &str) -> Option<PathBuf> {
        self.find_all(program).find(|path| {
            self.version_of(path)
                .is_some_and(|answer| answer.split_whitespace().any(|word| word == version))
        })
    }

    /// Names the folder `cargo install` puts programs into.
    pub(crate) fn cargo_bin(&self) -> &Path {
        &self.cargo_bin
    }

    /// Reads a crate's version from `Cargo.lock`.
    pub(crate) fn locked(&self, package: &str) -> Result<String> {
        let lock = self.read("Cargo.lock")?;
        let name = format!("name = \"{package}\"");
        lock.lines()
            .skip_while(|line| *line != name)
            .find_map(|line| line.strip_prefix("version = \""))
            .map(|rest| rest.trim_end_matches('"').to_owned())
            .with_context(|| format!("Cargo.lock does not name {package}"))
    }
}

/// One run of a program.
pub(crate) struct Cmd {
    inner: Command,
    shown: String,
}

impl Cmd {
    pub(crate) fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        let arg = arg.as_ref();
        self.shown.push(' ');
        self.shown.push_str(&arg.to_string_lossy());
        self.inner.arg(arg);
        self
    }

    pub(crate) fn args(self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        args.into_iter().fold(self, Self::arg)
    }

    pub(crate) fn env(mut self, key: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.inner.env(key, value);
        self
    }

    pub(crate) fn envs<K: AsRef<OsStr>, V: AsRef<OsStr>>(
        mut self,
        pairs: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        self.inner.envs(pairs);
        self
    }

    /// Shows the command, runs it, and fails unless it succeeds.
    pub(crate) fn run(self) -> Result<()> {
        self.finish(Stdio::inherit())
    }

    /// Runs as [`Cmd::run`] does, with the program's output on stderr, so that stdout stays ours.
    pub(crate) fn run_aside(self) -> Result<()> {
        self.finish(Stdio::from(io::stderr()))
    }

    /// Runs without showing anything and returns stdout; a failure carries stderr.
    pub(crate) fn output(mut self) -> Result<String> {
        let output = self
            .inner
            .output()
            .with_context(|| format!("cannot start `{}`", self.shown))?;
        if !output.status.success() {
            let stderr = String::from_utf8_lossy(&output.stderr);
            bail!("`{}`: {}: {}", self.shown, output.status, stderr.trim());
        }
        Ok(String::from_utf8(output.stdout)?)
    }

    /// Runs without showing anything; returns whether it succeeded, and all that it said.
    pub(crate) fn heard(mut self) -> Result<(bool, String)> {
        let output = self
            .inner
            .output()
            .with_context(|| format!("cannot start `{}`", self.shown))?;
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        Ok((output.status.success(), said))
    }

    /// Shows the command and starts it with its stdout piped to us.
    pub(crate) fn spawn(mut self) -> Result<Child> {
        eprintln!("$ {}", self.shown);
        self.inner
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start `{}`", self.shown))
    }

    fn finish(mut self, stdout: Stdio) -> Result<()> {
        eprintln!("$ {}", self.shown);
        let status = self
            .inner
            .stdin(Stdio::null())
            .stdout(stdout)
            .status()
            .with_context(|| format!("cannot start `{}`", self.shown))?;
        ensure!(status.success(), "`{}`: {status}", self.shown);
        Ok(())
    }
}

/// Runs `work` and returns what it gave with the seconds it took.
pub(crate) fn timed<T>(work: impl FnOnce() -> T) -> (T, f64) {
    let start = Instant::now();
    let value = work();
    (value, start.elapsed().as_secs_f64())
}

/// Lists the files below `folder`, sorted; a folder that does not exist has none.
pub(crate) fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => {
                return Err(error).with_context(|| format!("cannot list {}", folder.display()));
            }
        };
        for entry in entries {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}
