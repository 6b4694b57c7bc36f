//! The architecture's arrows: what each part may not know of.

use std::fs;
use std::path::Path;

use anyhow::{Result, ensure};

use crate::tools::{Repo, files};

/// Crates the core may not depend on: it knows no browser and no executor.
const OUTSIDE: [&str; 4] = ["js-sys", "tokio", "wasm-bindgen", "web-sys"];

/// A text that may not occur in some source files.
struct Ban {
    text: &'static str,
    /// A file, or a folder together with the `.rs` file beside it; relative to `src/`.
    within: &'static str,
    except: Option<&'static str>,
    why: &'static str,
}

const BANS: [Ban; 4] = [
    Ban {
        text: "crate::driver",
        within: "transport",
        except: None,
        why: "a transport reports upwards, it does not call",
    },
    Ban {
        text: "crate::session",
        within: "transport",
        except: None,
        why: "a transport reports upwards, it does not call",
    },
    Ban {
        text: "crate::transport",
        within: "session",
        except: None,
        why: "the facade reaches transports only through the driver",
    },
    Ban {
        text: ".forget()",
        within: "",
        except: Some("lib.rs"),
        why: "a browser resource is a guard that is dropped",
    },
];

/// Checks every arrow and names each breach.
pub(crate) fn check(repo: &Repo) -> Result<()> {
    let mut breaches = core_dependencies(repo)?;
    let src = repo.existing("src")?;
    for path in files(&src)? {
        let name = path.strip_prefix(&src)?;
        let text = fs::read_to_string(&path)?;
        breaches.extend(BANS.iter().flat_map(|ban| ban.breaches(name, &text)));
    }
    for breach in &breaches {
        eprintln!("{breach}");
    }
    ensure!(breaches.is_empty(), "{} arrows are broken", breaches.len());
    Ok(())
}

impl Ban {
    fn breaches(&self, file: &Path, text: &str) -> Vec<String> {
        let covered =
            file.starts_with(self.within) || file.with_extension("") == Path::new(self.within);
        if !covered || self.except.is_some_and(|name| file == Path::new(name)) {
            return Vec::new();
        }
        let lines = text.lines().enumerate();
        lines
            .filter(|(_, line)| line.contains(self.text))
            .map(|(at, _)| {
                format!(
                    "src/{}:{}: `{}`: {}",
                    file.display(),
                    at + 1,
                    self.text,
                    self.why
                )
            })
            .collect()
    }
}

fn core_dependencies(repo: &Repo) -> Result<Vec<String>> {
    let tree = repo
        .cmd("cargo")
        .args([
            "tree",
            "-p",
            "throughline-core",
            "-e",
            "normal",
            "--all-features",
        ])
        .args(["--target", "wasm32-unknown-unknown", "--prefix", "none"])
        .output()?;
    let names = tree.lines().filter_map(|line| line.split(' ').next());
    Ok(names
        .filter(|name| OUTSIDE.contains(name))
        .map(|name| {
            format!("crates/core depends on {name}: the core knows no browser and no executor")
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::BANS;
    use std::path::Path;

    fn breaches(file: &str, text: &str) -> usize {
        BANS.iter()
            .map(|ban| ban.breaches(Path::new(file), text).len())
            .sum()
    }

    #[test]
    fn a_transport_that_names_the_driver_is_a_breach() {
        assert_eq!(
            breaches("transport/sse.rs", "use crate::driver::Driver;\n"),
            1
        );
        assert_eq!(
            breaches("transport.rs", "use crate::session::Session;\n"),
            1
        );
        assert_eq!(breaches("driver.rs", "use crate::session::Session;\n"), 0);
    }

    #[test]
    fn the_facade_may_not_name_a_transport() {
        assert_eq!(breaches("session.rs", "\nuse crate::transport::Link;\n"), 1);
    }

    #[test]
    fn only_the_crate_root_may_forget() {
        assert_eq!(breaches("timer.rs", "closure.forget();"), 1);
        assert_eq!(breaches("lib.rs", "closure.forget();"), 0);
    }
}
