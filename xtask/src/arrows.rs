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
    /// A file, or a folder together with the files beside it that have its name; relative to `src/`.
    within: &'static str,
    why: &'static str,
}

const UPWARDS: &str = "a transport reports upwards, it does not call";
const NUMBERS: &str = "only numbers pass between the page and the core";

const BANS: [Ban; 5] = [
    Ban {
        text: "/js/host.js\";",
        within: "transport",
        why: UPWARDS,
    },
    Ban {
        text: "/js/session.js\";",
        within: "transport",
        why: UPWARDS,
    },
    Ban {
        text: "/js/perform.js\";",
        within: "transport",
        why: UPWARDS,
    },
    Ban {
        text: "JsValue",
        within: "",
        why: NUMBERS,
    },
    Ban {
        text: "extern \"C\" {",
        within: "",
        why: NUMBERS,
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
        if !covered {
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
    fn a_transport_that_imports_what_is_above_it_is_a_breach() {
        let import = "import { Host } from \"../../pkg/js/host.js\";\n";
        assert_eq!(breaches("transport/sse.js", import), 1);
        assert_eq!(breaches("transport/webrtc/peer.js", import), 1);
        let names_its_type = "/** @param {import(\"../../pkg/js/host.js\").Host} host */\n";
        assert_eq!(breaches("transport/webrtc.js", names_its_type), 0);
    }

    #[test]
    fn a_value_of_the_page_in_the_compiled_part_is_a_breach() {
        assert_eq!(breaches("session.rs", "fn tell(told: &JsValue) {"), 1);
        assert_eq!(breaches("audio/watch.rs", "extern \"C\" {\n"), 1);
        assert_eq!(breaches("session.rs", "fn tell(now: f64) {"), 0);
    }
}
